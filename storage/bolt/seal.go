package bolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrBackup is in the chain of every error about a backup that is cut, altered, or none at all.
var ErrBackup = errors.New("this is no whole backup")

// A backup is the file and then a seal: magic, length of the file, SHA-256 of the file. It stands at the end because the
// sum is known there, so that a backup can be streamed. To a store the seal is room behind its last page.
const (
	sealMagic = "HookswitchBackup"
	sealSize  = len(sealMagic) + 8 + sha256.Size
)

// sealWriter passes on what is written to it and can end it with the seal.
type sealWriter struct {
	w   io.Writer
	sum hash.Hash
	n   uint64
}

func newSealWriter(w io.Writer) *sealWriter { return &sealWriter{w: w, sum: sha256.New()} }

func (s *sealWriter) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.sum.Write(b[:n])
	s.n += uint64(n)
	return n, err
}

func (s *sealWriter) seal() []byte {
	return s.sum.Sum(binary.BigEndian.AppendUint64([]byte(sealMagic), s.n))
}

func (s *sealWriter) finish() error {
	_, err := s.w.Write(s.seal())
	return err
}

// unsealTo copies a backup without its seal, and fails with ErrBackup when the seal does not fit what came before it.
// What it has written by then is worth nothing.
func unsealTo(w io.Writer, backup io.Reader) error {
	sealed := newSealWriter(w)
	buf := make([]byte, 1<<20+sealSize)
	held := 0 // bytes at the start of buf, the last that were read: they may be the seal
	for {
		n, err := io.ReadFull(backup, buf[held:])
		held += n
		if held > sealSize {
			if _, err := sealed.Write(buf[:held-sealSize]); err != nil {
				return err
			}
			held = copy(buf, buf[held-sealSize:held])
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return sealed.compare(buf[:held])
		default:
			return err
		}
	}
}

func (s *sealWriter) compare(seal []byte) error {
	switch {
	case len(seal) < sealSize || !bytes.HasPrefix(seal, []byte(sealMagic)):
		return fmt.Errorf("%w: its end is missing, or it never was a backup", ErrBackup)
	case binary.BigEndian.Uint64(seal[len(sealMagic):]) != s.n:
		return fmt.Errorf("%w: it has another length than when it was made", ErrBackup)
	case !bytes.Equal(seal, s.seal()):
		return fmt.Errorf("%w: its checksum does not fit: something in it was altered", ErrBackup)
	}
	return nil
}
