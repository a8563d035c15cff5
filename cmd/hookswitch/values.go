package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The checks of settings say what a value must be; whoever prints them names the setting and the value.

func checkLevel(text string) error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, text) {
		return errors.New("must be debug, info, warn or error")
	}
	return nil
}

func checkPrefixes(texts []string) error {
	_, err := parsePrefixes(texts)
	return err
}

// parsePrefixes takes networks, and single addresses as networks of one.
func parsePrefixes(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("%q must be a network such as 10.1.0.0/16 or an address", text)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func checkOrigins(texts []string) error {
	for _, text := range texts {
		u, err := url.Parse(text)
		if text != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
			return fmt.Errorf("%q must be like https://app.example.com, without a path, or *", text)
		}
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("must be like https://hooks.example.com")
	}
	return nil
}

// checkListen looks at the form of an address only; whether one can listen there shows when one does.
func checkListen(text string) error {
	if path, unix := strings.CutPrefix(text, unixPrefix); unix && path != "" || text == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return errors.New("must be like 127.0.0.1:8080, :8080 for all addresses of the machine, or unix:/path")
	}
	return nil
}

func positive[T int | time.Duration | float64](value T) error {
	if value <= 0 {
		return errors.New("must be more than 0")
	}
	return nil
}
