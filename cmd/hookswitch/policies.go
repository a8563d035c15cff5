package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/service"
)

// parsePolicies reads the flags --retry DIALECT=WAIT/WAIT/… and --give-up DIALECT=none|fail|remove.
func parsePolicies(retries, giveUps []string) (map[string]service.Policy, error) {
	out := map[string]service.Policy{}
	for _, text := range retries {
		dialect, list, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("--retry %q: must be like vision6=1m/5m/30m", text)}
		}
		p := out[dialect]
		p.Retry = []time.Duration{}
		for wait := range strings.SplitSeq(list, "/") {
			d, err := time.ParseDuration(strings.TrimSpace(wait))
			if err != nil || d <= 0 {
				return nil, usageError{fmt.Errorf("--retry %q: %q is no wait such as 30s, 5m or 2h", text, wait)}
			}
			p.Retry = append(p.Retry, d)
		}
		out[dialect] = p
	}
	for _, text := range giveUps {
		dialect, what, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("--give-up %q: must be like vision6=none", text)}
		}
		p := out[dialect]
		p.GiveUp = service.GiveUp(what)
		out[dialect] = p
	}
	return out, nil
}
