package delivery

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// churn is how many events a minute the simulated day has. `make chaos` asks for more.
var churn = flag.Int("churn", 1, "events a minute of the simulated day")

// TestTheFileLevelsOffOverADay lives through 36 hours of publishing, delivering, failing, retrying and retention of two
// hours, in the time the machine needs for it: what is kept is the same from the tenth hour or so on (two hours, and up to a
// partition, six, that they reach into), and so must be the size of the file.
func TestTheFileLevelsOffOverADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Policy{Waits: []time.Duration{time.Second, time.Minute}}, rarePolls)
		h.webhook(1, &receiver{script: []int{200}}, "*")
		h.webhook(2, &receiver{script: []int{500, 200, 200, 503, 200}}, "*")
		h.webhook(3, &receiver{script: []int{500}}, "*") // all of it dies
		data := []byte(`"` + strings.Repeat("0123456789abcdef", 64) + `"`)
		sizes := map[int]int64{}
		for hour := 1; hour <= 36; hour++ {
			for range 60 {
				batch := make([]*schemas.Event, *churn)
				for i := range batch {
					h.events++
					batch[i] = &schemas.Event{Account: 1, ID: fmt.Sprint("e", h.events), Type: "a.b", Data: data}
				}
				for _, got := range h.engine.Publish(context.Background(), batch, nil) {
					if got.Err != nil {
						t.Fatal(got.Err)
					}
				}
				time.Sleep(time.Minute)
			}
			for more := true; more; {
				var err error
				if more, err = h.store.Expire(t.Context(), storage.Retention{Events: 2 * time.Hour}, time.Second); err != nil {
					t.Fatal(err)
				}
			}
			info, err := os.Stat(filepath.Join(h.dir, bolt.FileName))
			if err != nil {
				t.Fatal(err)
			}
			sizes[hour] = info.Size()
		}
		t.Logf("%d events; MiB after 6, 12, 18, 24, 30, 36 hours: %d %d %d %d %d %d", h.events,
			sizes[6]>>20, sizes[12]>>20, sizes[18]>>20, sizes[24]>>20, sizes[30]>>20, sizes[36]>>20)
		// bbolt lets a file grow by 16 MiB at a time.
		if sizes[36] > sizes[18]+sizes[18]/10+16<<20 {
			t.Errorf("the file grew from %d to %d bytes between the 18th and the 36th hour", sizes[18], sizes[36])
		}
		h.close()
	})
}
