package delivery

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

func TestNextWaitFollowsScheduleJitterAndRetryAfter(t *testing.T) {
	t.Parallel()
	policy := Policy{Waits: []time.Duration{5 * time.Second, time.Minute}, Jitter: 0.2}
	for name, c := range map[string]struct {
		override []schemas.Seconds
		attempt  int
		after    time.Duration
		random   float64
		want     time.Duration
		more     bool
	}{
		"first":                        {attempt: 1, want: 5 * time.Second, more: true},
		"second":                       {attempt: 2, want: time.Minute, more: true},
		"after the last":               {attempt: 3},
		"far beyond":                   {attempt: 99},
		"no attempt":                   {attempt: 0},
		"jitter goes upwards":          {attempt: 1, random: 0.5, want: 5500 * time.Millisecond, more: true},
		"asked for longer":             {attempt: 1, after: time.Hour, want: time.Hour, more: true},
		"asked for shorter":            {attempt: 2, after: time.Second, want: time.Minute, more: true},
		"asked for too long":           {attempt: 1, after: 1000 * time.Hour, want: 24 * time.Hour, more: true},
		"asked, but none left":         {attempt: 3, after: time.Hour},
		"override":                     {override: []schemas.Seconds{0.5}, attempt: 1, want: 500 * time.Millisecond, more: true},
		"override ends sooner":         {override: []schemas.Seconds{0.5}, attempt: 2},
		"override without any retries": {override: []schemas.Seconds{}, attempt: 1},
	} {
		wait, more := NextWait(policy, c.override, c.attempt, Verdict{After: c.after}, c.random)
		if wait != c.want || more != c.more {
			t.Errorf("%s: got %v, %v; want %v, %v", name, wait, more, c.want, c.more)
		}
	}
}
