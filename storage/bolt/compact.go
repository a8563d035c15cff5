package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	bbolt "go.etcd.io/bbolt"
)

// Compact writes the store of a directory anew without the room that deleted rows left, looks at all of the copy, as
// [Verify] does, and puts it in the place of the store by one rename. Nothing else may have the store open. It needs as
// much free disk as the store has data. The answers are the sizes of the file in bytes.
func Compact(ctx context.Context, dir string, progress Progress) (before, after int64, err error) {
	before, after, err = compact(ctx, dir, progress)
	if err != nil {
		err = fmt.Errorf("compact the store in %s: %w", dir, err)
	}
	return before, after, err
}

func compact(ctx context.Context, dir string, progress Progress) (before, after int64, err error) {
	if err := putInOrder(dir); err != nil {
		return 0, 0, err
	}
	path := filepath.Join(dir, FileName)
	aside := path + ".compacting"
	if err := os.Remove(aside); err != nil && !os.IsNotExist(err) {
		return 0, 0, err
	}
	defer func() { _ = os.Remove(aside) }()                // gone when all went well
	src, err := openFile(path, Options{}, defaultTuning()) // which keeps everybody else out until the copy has its place
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if err := copyInto(ctx, aside, src, progress); err != nil {
		return 0, 0, err
	}
	found, err := verifyFile(ctx, aside, progress)
	if err == nil {
		err = found.Err()
	}
	if err != nil {
		return 0, 0, fmt.Errorf("the copy: %w", err)
	}
	if before, after, err = sizes(path, aside); err != nil {
		return 0, 0, err
	}
	return before, after, replaceFile(aside, dir)
}

func sizes(paths ...string) (a, b int64, err error) {
	var n [2]int64
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return 0, 0, err
		}
		n[i] = info.Size()
	}
	return n[0], n[1], nil
}

// copyInto writes all rows of src into a new file and makes it durable.
func copyInto(ctx context.Context, path string, src *bbolt.DB, progress Progress) (err error) {
	dst, err := openFile(path, Options{NoSync: true}, defaultTuning())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer catchDamage(&err)
	return src.View(func(tx *bbolt.Tx) error {
		c := copier{ctx: ctx, dst: dst, progress: progress}
		err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			c.total += int64(b.Stats().KeyN)
			return nil
		})
		if err == nil {
			err = tx.ForEach(c.bucket)
		}
		return errors.Join(err, dst.Sync())
	})
}

// copier fills a new file in transactions of bounded size.
type copier struct {
	ctx         context.Context
	dst         *bbolt.DB
	progress    Progress
	done, total int64
}

const copyStep = 16 << 20

// bucket copies one bucket of the root.
func (c *copier) bucket(name []byte, from *bbolt.Bucket) error {
	cursor := from.Cursor()
	key, row := cursor.First()
	for first := true; first || key != nil; first = false {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		err := c.dst.Update(func(tx *bbolt.Tx) error {
			to, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			to.FillPercent = fillPercent
			for size := 0; key != nil && size < copyStep; key, row = cursor.Next() {
				if err := to.Put(key, row); err != nil {
					return err
				}
				size += len(key) + len(row)
				c.done++
			}
			return nil
		})
		if err != nil {
			return err
		}
		if c.progress != nil {
			c.progress(c.done, c.total)
		}
	}
	return nil
}
