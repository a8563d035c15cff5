package delivery

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dripping answers at once and goes on for ever, a byte a second.
type dripping struct{}

func (dripping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	}
}

// TestDeadAndSlowEndpointsHoldUpNoHealthyOne has many endpoints of one account go wrong in the same moment, in every way: nobody
// listens, nothing comes back, a byte comes back a second. While it is found out which they are the others may wait a little,
// and then not at all.
func TestDeadAndSlowEndpointsHoldUpNoHealthyOne(t *testing.T) {
	const each = 10
	var d *dials
	inHouse(t, Policy{Waits: []time.Duration{5 * time.Second, time.Minute}}, func(t *testing.T, h *house) {
		d.each = func(ctx context.Context, address string) error {
			if strings.HasPrefix(address, "93.184.1.") { // a black hole
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		healthy := make([]*receiver, 2*each)
		for i := range each {
			h.webhook(i, nil, "*")     // nobody listens
			h.webhook(250+i, nil, "*") // 93.184.1.…
			for n := range 2 {
				h.network.serve(fmt.Sprintf("93.184.2.%d:80", 1+2*i+n), dripping{})
				h.webhook(500+2*i+n, nil, "*")
				healthy[2*i+n] = &receiver{script: []int{200}}
				h.webhook(1000+2*i+n, healthy[2*i+n], "*")
			}
		}
		begun := time.Now()
		sent := map[string]time.Time{}
		for range 90 {
			sent[h.publish(1, "a.b")[0]] = time.Now()
			time.Sleep(1009 * time.Millisecond)
		}
		synctest.Wait()
		for i, r := range healthy {
			r.mu.Lock()
			if len(r.got) != len(sent) {
				t.Errorf("healthy endpoint %d has %d of %d", i, len(r.got), len(sent))
			}
			for _, g := range r.got {
				at := sent[g.ids[0]]
				limit := 50 * time.Millisecond
				if at.Sub(begun) < 5*time.Second {
					limit = 3 * time.Second
				}
				if waited := g.at.Sub(at); waited > limit {
					t.Errorf("the event of %s waited %s for healthy endpoint %d", at.Sub(begun), waited, i)
				}
			}
			r.mu.Unlock()
		}
	}, crowd, func(h *house) { d = countDials(h) })
}
