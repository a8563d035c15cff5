package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// The lines of a frame: a letter, then numbers as varints and texts after their lengths. The letters are stored.
const (
	lineArrival = 'a'
	lineEnding  = 's'

	lineTried = 1 // flags of an ending
	lineOK    = 2
)

// writeArrival writes an event and returns its row where it stands in the frame.
func (d *draft) writeArrival(id publicID, seq uint64, row []byte, to []storage.Target) []byte {
	b := append(d.frame, lineArrival)
	b = binary.AppendUvarint(b, uint64(id.account))
	b = binary.AppendUvarint(b, seq)
	b = binary.AppendUvarint(b, uint64(len(id.id)))
	b = append(b, id.id...)
	b = binary.AppendUvarint(b, uint64(len(to)))
	for _, t := range to {
		flight := byte(0)
		if t.Hold > 0 {
			flight = 1
		}
		b = append(binary.AppendUvarint(b, uint64(t.Webhook)), flight)
	}
	b = binary.AppendUvarint(b, uint64(len(row)))
	d.frame = append(b, row...)
	return d.frame[len(d.frame)-len(row) : len(d.frame) : len(d.frame)]
}

// writeEnding writes an outcome and returns the attempt's row where it stands in the frame.
func (d *draft) writeEnding(e *ending) []byte {
	flags := byte(0)
	if e.tried {
		flags |= lineTried
	}
	if e.ok {
		flags |= lineOK
	}
	b := append(d.frame, lineEnding)
	b = binary.AppendUvarint(b, uint64(e.ref.Account))
	b = binary.AppendUvarint(b, uint64(e.ref.Webhook))
	b = binary.AppendUvarint(b, e.ref.Seq)
	b = append(b, byte(e.next), flags)
	b = binary.AppendVarint(b, int64(e.in))
	b = binary.AppendUvarint(b, uint64(len(e.message)))
	b = append(b, e.message...)
	b = binary.AppendUvarint(b, uint64(len(e.row)))
	d.frame = append(b, e.row...)
	return d.frame[len(d.frame)-len(e.row) : len(d.frame) : len(d.frame)]
}

var errLine = errors.New("the journal has a line that this version cannot read")

// restore reads the payload of a frame that was acknowledged before the process ended, and makes of it the draft it was.
func (d *draft) restore(s *Store, serial uint64, payload []byte) error {
	d.reset(s, len(payload))
	d.serial = serial
	if len(payload) < 8 {
		return errLine
	}
	d.now.wall = int64(number(payload))
	r := lineReader{b: payload[8:]}
	for len(r.b) > 0 {
		var err error
		switch r.byte() {
		case lineArrival:
			err = d.restoreArrival(&r)
		case lineEnding:
			err = d.restoreEnding(&r)
		default:
			return errLine
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) restoreArrival(r *lineReader) error {
	id := publicID{account: schemas.AccountID(r.uvarint())}
	seq := r.uvarint()
	id.id = string(r.text())
	n := r.uvarint()
	var to []storage.Target
	for range min(n, uint64(len(r.b))) {
		to = append(to, storage.Target{Webhook: schemas.WebhookID(r.uvarint()), Hold: time.Duration(r.byte())})
	}
	row := r.text()
	if r.bad || len(row) < sumLen+8 || uint64(len(to)) != n || seq <= d.numbers.seq {
		return errLine
	}
	d.numbers.seq = seq - 1
	d.enter(id, append([]byte(nil), row...), to, nil)
	return nil
}

func (d *draft) restoreEnding(r *lineReader) error {
	e := &ending{}
	e.ref.Account, e.ref.Webhook, e.ref.Seq = schemas.AccountID(r.uvarint()), schemas.WebhookID(r.uvarint()), r.uvarint()
	e.next = storage.Next(r.byte())
	flags := r.byte()
	e.tried, e.ok = flags&lineTried != 0, flags&lineOK != 0
	e.in = time.Duration(r.varint())
	e.message = string(r.text())
	e.row = append([]byte(nil), r.text()...)
	if r.bad || e.next > storage.Release {
		return errLine
	}
	was, err := d.entry(e.ref)
	if err == nil && was.now.open() {
		_, err = d.conclude(e, was, nil)
	}
	if err != nil {
		return fmt.Errorf("bring an outcome of the journal into the file: %w", err)
	}
	return nil
}

// lineReader reads the lines of a frame.
type lineReader struct {
	b   []byte
	bad bool
}

func (r *lineReader) uvarint() uint64 {
	n, w := binary.Uvarint(r.b)
	r.advance(w)
	return n
}

func (r *lineReader) varint() int64 {
	n, w := binary.Varint(r.b)
	r.advance(w)
	return n
}

// advance moves over a number of w bytes; none or less is what package binary says of one that cannot be read, and gives 0.
func (r *lineReader) advance(w int) {
	if w <= 0 {
		r.bad = true
		return
	}
	r.b = r.b[w:]
}

func (r *lineReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *lineReader) text() []byte {
	text, rest, ok := cut(r.b)
	r.bad = r.bad || !ok
	r.b = rest
	return text
}
