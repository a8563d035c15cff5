package main

import (
	"fmt"
	"slices"
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
			return nil, fmt.Errorf("%q must be like vision6=1m/5m/30m", text)
		}
		p := out[dialect]
		p.Retry = []time.Duration{}
		for wait := range strings.SplitSeq(list, "/") {
			d, err := time.ParseDuration(strings.TrimSpace(wait))
			if err != nil || d <= 0 {
				return nil, fmt.Errorf("%q: %q is no wait such as 30s, 5m or 2h", text, wait)
			}
			p.Retry = append(p.Retry, d)
		}
		out[dialect] = p
	}
	for _, text := range giveUps {
		dialect, what, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("%q must be like vision6=none", text)
		}
		if !slices.Contains([]service.GiveUp{service.GiveUpNone, service.GiveUpFail, service.GiveUpRemove}, service.GiveUp(what)) {
			return nil, fmt.Errorf("%q: giving up in %s must be none, fail or remove", text, dialect)
		}
		p := out[dialect]
		p.GiveUp = service.GiveUp(what)
		out[dialect] = p
	}
	return out, nil
}

func checkRetries(texts []string) error {
	_, err := parsePolicies(texts, nil)
	return err
}

func checkGiveUps(texts []string) error {
	_, err := parsePolicies(nil, texts)
	return err
}
