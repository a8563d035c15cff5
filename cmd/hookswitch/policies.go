package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/service"
)

// policyFlag is a flag DIALECT=VALUE, repeated, that changes a part of a dialect's policy.
type policyFlag struct {
	name, example string
	// set puts the value into p. Its error is what is wrong with the value.
	set func(p *service.Policy, value string) error
}

func policyFlags() []policyFlag {
	return []policyFlag{
		{"retry", "vision6=1m/5m/30m", setRetry},
		{"retry-jitter", "native=0.1", setJitter},
		{"give-up", "vision6=none", setGiveUp},
		{"fail-for", "native=120h", setFailFor},
	}
}

// parsePolicies reads these flags; values are those of one by its name.
func parsePolicies(values func(name string) []string) (map[string]service.Policy, error) {
	out := map[string]service.Policy{}
	for _, flag := range policyFlags() {
		for _, text := range values(flag.name) {
			dialect, value, ok := strings.Cut(text, "=")
			if !ok {
				return nil, fmt.Errorf("%q must be like %s", text, flag.example)
			}
			if dialects := service.Dialects(); !slices.Contains(dialects, dialect) {
				return nil, fmt.Errorf("%q: there is no dialect %q; there are %s", text, dialect, strings.Join(dialects, ", "))
			}
			p := out[dialect]
			if err := flag.set(&p, value); err != nil {
				return nil, fmt.Errorf("%q: %w", text, err)
			}
			out[dialect] = p
		}
	}
	return out, nil
}

// checkPolicies is the validator of the flag of that name.
func checkPolicies(name string) func([]string) error {
	return func(texts []string) error {
		_, err := parsePolicies(func(flag string) []string {
			if flag == name {
				return texts
			}
			return nil
		})
		return err
	}
}

func setRetry(p *service.Policy, list string) error {
	p.Retry = []time.Duration{}
	for wait := range strings.SplitSeq(list, "/") {
		d, err := parseDuration(strings.TrimSpace(wait))
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no wait such as 30s, 5m or 2h", wait)
		}
		p.Retry = append(p.Retry, d)
	}
	return nil
}

func setJitter(p *service.Policy, share string) error {
	n, err := strconv.ParseFloat(share, 64)
	if err != nil || !(n >= 0 && n <= 1) {
		return errors.New("the jitter must be a number from 0 to 1")
	}
	p.Jitter = &n
	return nil
}

func setGiveUp(p *service.Policy, what string) error {
	p.GiveUp = service.GiveUp(what)
	if !slices.Contains([]service.GiveUp{service.GiveUpNone, service.GiveUpFail, service.GiveUpRemove}, p.GiveUp) {
		return errors.New("giving up must be none, fail or remove")
	}
	return nil
}

func setFailFor(p *service.Policy, text string) error {
	if text == "off" {
		p.FailFor = service.FailNever
		return nil
	}
	d, err := parseDuration(text)
	if err != nil || d <= 0 {
		return errors.New("must be a duration such as 120h or 5d, or off")
	}
	p.FailFor = d
	return nil
}
