package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrDamaged is in the chain of every error about a stored record whose checksum does not fit. The text names the
// record. [Store.Check] answers it as well, once such a record was met.
var ErrDamaged = errors.New("the stored record is damaged")

// Every row is a frame: 4 bytes of CRC-32C over its key and its payload, then the payload. bbolt checks only its two
// meta pages, so without this a flipped bit on the disk would be answered as data. The key is covered too: a row that
// turned up under another key is as wrong as one with other bytes.
const sumLen = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal writes the checksum into row, whose payload begins at sumLen.
func seal(key, row []byte) {
	binary.BigEndian.PutUint32(row, checksum(key, row[sumLen:]))
}

// unseal returns the payload of a row; false when the checksum does not fit.
func unseal(key, row []byte) ([]byte, bool) {
	if len(row) < sumLen || binary.BigEndian.Uint32(row) != checksum(key, row[sumLen:]) {
		return nil, false
	}
	return row[sumLen:], true
}

func checksum(key, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, payload)
}

// damaged names a damaged record.
func damaged(format string, args ...any) error {
	return fmt.Errorf("read "+format+": %w", append(args, ErrDamaged)...)
}
