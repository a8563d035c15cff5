package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// JournalNames are the files of the journal, which stand beside [FileName]. After a clean Close they hold nothing that the file lacks.
var JournalNames = [2]string{"hookswitch.journal.0", "hookswitch.journal.1"}

// journal is the append-only log in front of the file: what is in it, and synced, is durable. It is written by the
// committer alone.
//
// Two files take turns. One is written while what the other holds is brought into the file; then they change places. A
// file is written anew from its beginning, over what it had, which saves the file system from allocating: the frames of
// former turns that stand behind the last one are told by their serials.
type journal struct {
	files  [2]*os.File
	turn   int    // the file being written
	at     int64  // where its next frame goes
	nonce  uint64 // of this store since it was opened: frames of another belong to another state
	serial uint64 // of the last frame
	sync   func(*os.File) error
	syncer *syncer
}

// A frame is what one commit writes: magic, length of the payload, nonce, serial, CRC-32C over all of that and the payload,
// then the payload. Serials go on from one file to the other, so that a missing frame shows.
const (
	frameMagic = "HSJ1"
	frameHead  = 4 + 4 + 8 + 8 + 4
	maxFrame   = 1 << 30
)

// adviceForgo ends the sentences about a journal that cannot be used.
const adviceForgo = "`hookswitch check --without-journal` goes on without what the journal held"

var errJournalDamaged = errors.New("the journal is damaged: it has records behind one that cannot be read; restore a backup; " + adviceForgo)

var errJournalForeign = errors.New("the journal does not continue the file: one of them is of another time or another store; " +
	"put both back together; " + adviceForgo)

var errJournalMissing = errors.New("the journal is missing, and the store was not closed, so that what was acknowledged last may be in it " +
	"alone; put the files hookswitch.journal.* back beside the store's, or restore a backup; " + adviceForgo)

// journalWhole reports whether both files of a directory's journal are there.
func journalWhole(dir string) (bool, error) {
	for _, name := range JournalNames {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// openJournal opens the two files of a directory, making them when they are not there.
func openJournal(dir string, open func(string, int, os.FileMode) (*os.File, error), noSync bool) (*journal, error) {
	if open == nil {
		open = os.OpenFile
	}
	j := &journal{sync: func(*os.File) error { return nil }}
	if !noSync {
		j.syncer = newSyncer()
		j.sync = j.syncer.sync
	}
	for i, name := range JournalNames {
		f, err := open(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, errors.Join(err, j.close())
		}
		j.files[i] = f
	}
	if noSync {
		return j, nil
	}
	return j, syncDir(dir) // the names may be new
}

// append writes a frame, whose payload begins at frameHead, and makes it durable. After an error nothing of it counts; whether the disk has it is not known
// when the sync failed.
func (j *journal) append(frame []byte) error {
	if len(frame)-frameHead > maxFrame {
		return fmt.Errorf("a commit of %d bytes is too large", len(frame))
	}
	if err := j.write(frame, j.serial+1); err != nil {
		return err
	}
	j.serial++
	return nil
}

// mark begins the journal with a frame that every replay passes over, for the file has its serial. By its nonce the journal
// is known for this store's though nothing was written yet: beside another file it is foreign, and not empty.
func (j *journal) mark() error { return j.write(make([]byte, frameHead), j.serial) }

// write writes a frame of that serial.
func (j *journal) write(frame []byte, serial uint64) error {
	copy(frame, frameMagic)
	binary.BigEndian.PutUint32(frame[4:], uint32(len(frame)-frameHead))
	binary.BigEndian.PutUint64(frame[8:], j.nonce)
	binary.BigEndian.PutUint64(frame[16:], serial)
	binary.BigEndian.PutUint32(frame[24:], frameSum(frame))
	if _, err := j.files[j.turn].WriteAt(frame, j.at); err != nil {
		return err
	}
	if err := j.sync(j.files[j.turn]); err != nil {
		return err
	}
	j.at += int64(len(frame))
	return nil
}

func frameSum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[:24], castagnoli), castagnoli, frame[frameHead:])
}

// change lets the other file be written from its beginning. What that holds must be in the file by now.
func (j *journal) change() { j.turn, j.at = 1-j.turn, 0 }

// replay calls take with the payload of every frame that follows the applied one, in order. A frame that was being written
// when the process or the machine ended was never acknowledged, and is passed over; the error says when there is more
// wrong than that.
func (j *journal) replay(nonce, applied uint64, take func(serial uint64, payload []byte) error) error {
	var texts [2][]byte
	for i, f := range j.files {
		var err error
		if texts[i], err = io.ReadAll(io.NewSectionReader(f, 0, 1<<40)); err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
	}
	next := applied + 1
	for range j.files {
		for _, text := range texts {
			for {
				frame, serial := readFrame(text, nonce)
				if frame == nil || serial > next {
					break
				}
				text = text[len(frame):]
				if serial < next {
					continue
				}
				if err := take(serial, frame[frameHead:]); err != nil {
					return err
				}
				next++
			}
		}
	}
	for _, text := range texts {
		if err := beyond(text, nonce, next); err != nil {
			return err
		}
	}
	return nil
}

// readFrame is the frame that text begins with, nil when that is none of this state's.
func readFrame(text []byte, nonce uint64) (frame []byte, serial uint64) {
	frame = wholeFrame(text)
	if frame == nil || binary.BigEndian.Uint64(frame[8:]) != nonce {
		return nil, 0
	}
	return frame, binary.BigEndian.Uint64(frame[16:])
}

// wholeFrame is the frame, of whatever state, that text begins with, nil without a sound one.
func wholeFrame(text []byte) []byte {
	if len(text) < frameHead || string(text[:4]) != frameMagic {
		return nil
	}
	length := binary.BigEndian.Uint32(text[4:])
	if length > maxFrame || int(length) > len(text)-frameHead {
		return nil
	}
	frame := text[:frameHead+int(length)]
	if binary.BigEndian.Uint32(frame[24:]) != frameSum(frame) {
		return nil
	}
	return frame
}

// beyond looks for sound frames that replay should have come to and did not: one commit is written at a time, so when
// there is any behind a broken frame, the broken one was acknowledged. The files are emptied before the nonce changes, so
// one of another nonce does not belong here either.
func beyond(text []byte, nonce, next uint64) error {
	for at := 0; ; {
		found := bytes.Index(text[at:], []byte(frameMagic))
		if found < 0 {
			return nil
		}
		at += found
		frame := wholeFrame(text[at:])
		switch {
		case frame == nil:
			at++
			continue
		case binary.BigEndian.Uint64(frame[8:]) != nonce:
			return errJournalForeign
		case binary.BigEndian.Uint64(frame[16:]) >= next && at == 0:
			return errJournalForeign // a whole stretch is missing before it
		case binary.BigEndian.Uint64(frame[16:]) >= next:
			return errJournalDamaged
		}
		at += len(frame)
	}
}

// begin empties the files for a new state; its first frame follows serial. To be called once all is in the file, and
// before the file has the new nonce; mark is to be called after.
func (j *journal) begin(nonce, serial uint64) error {
	for _, f := range j.files {
		if err := errors.Join(f.Truncate(0), j.sync(f)); err != nil {
			return fmt.Errorf("empty the journal: %w", err)
		}
	}
	j.turn, j.at, j.nonce, j.serial = 0, 0, nonce, serial
	return nil
}

// close closes the files.
func (j *journal) close() error {
	var errs []error
	if j.syncer != nil {
		errs = append(errs, j.syncer.close())
	}
	for _, f := range j.files {
		if f != nil {
			if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
