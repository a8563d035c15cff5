package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// memberFlags are the usual members of a native webhook, which membersOf reads.
func memberFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "endpoint", Usage: "`URL` that events go to, or pull: and any name"},
		&cli.StringSliceFlag{Name: "events", Usage: "event `TYPES` wanted, with *; may be given several times"},
		&cli.StringFlag{Name: "filter", Usage: "only events whose data this `JSON` filter matches"},
		&cli.StringSliceFlag{Name: "attribute", Usage: "only events with this attribute, `NAME=VALUE`, which becomes a part of the filter; repeatable"},
		&cli.StringFlag{Name: "name", Usage: "what people call it"},
		&cli.StringSliceFlag{Name: "header", Usage: "'`NAME: VALUE`' to add to each delivery; repeatable"},
		&cli.StringFlag{Name: "format", Usage: "standard, cloudevents or cloudevents-binary"},
		&cli.StringFlag{Name: "signature", Usage: "hmac-sha256 or ed25519"},
		&cli.StringFlag{Name: "secret-file", Usage: "sign with the secret in this `FILE` (default: one is made)"},
		&cli.BoolFlag{Name: "ordered", Usage: "one delivery at a time, in the order of publishing"},
		&floatFlag{Name: "rate-limit", Usage: "at most `N` deliveries a second; 0 for no limit", HideDefault: true},
		&intFlag{Name: "max-in-flight", Usage: "at most `N` attempts at once; 0 for no limit", HideDefault: true},
		&durationFlag{Name: "timeout", Usage: "how long an attempt may take, such as 10s; 0 for the service's limit", HideDefault: true},
		&durationFlag{Name: "idle-timeout", Usage: "remove it, a pull: one, when nobody has taken its events for so long; 0 for never", HideDefault: true},
	}
}

// memberOf are the members of a webhook that flags set, by the flag. Of --attribute, which becomes a part of the filter, there
// is none.
var memberOf = map[string]string{
	"endpoint": "endpoint", "events": "events", "filter": "filter", "name": "name", "header": "headers", "format": "format",
	"signature": "signature", "secret-file": "secret", "ordered": "ordered",
	"rate-limit": "rateLimit", "max-in-flight": "maxInFlight", "timeout": "timeout", "idle-timeout": "idleTimeout",
}

// membersOf is the document that the flags and the argument JSON make.
func membersOf(c *cli.Command, text string) (map[string]any, error) {
	document, err := objectOf(c, text)
	if err != nil {
		return nil, err
	}
	for flag, member := range memberOf {
		if _, twice := document[member]; twice && c.IsSet(flag) {
			return nil, fmt.Errorf("%s is given twice: by --%s and in JSON", member, flag)
		}
	}
	for _, flag := range []string{"endpoint", "name", "format", "signature", "ordered"} {
		if c.IsSet(flag) {
			document[flag] = c.Value(flag)
		}
	}
	for _, flag := range []string{"rate-limit", "max-in-flight", "timeout", "idle-timeout"} {
		if c.IsSet(flag) {
			document[memberOf[flag]] = bound(c.Value(flag))
		}
	}
	if c.IsSet("events") {
		document["events"] = strings.Split(strings.Join(c.StringSlice("events"), ","), ",")
	}
	if c.IsSet("header") {
		if document["headers"], err = headers(c.StringSlice("header")); err != nil {
			return nil, err
		}
	}
	if file := c.String("secret-file"); file != "" {
		secret, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
		document["secret"] = strings.TrimSpace(string(secret))
	}
	return document, setFilter(c, document)
}

// objectOf reads the argument JSON, whose values stay as they are written.
func objectOf(c *cli.Command, text string) (map[string]any, error) {
	read, err := parameters(text, c.Root().Reader)
	if err != nil && text != "-" && !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, errors.New("JSON must be an object such as {\"ordered\":true}; event types are given by --events")
	}
	if err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	raw, given := read.(json.RawMessage)
	object := map[string]any{}
	if !given {
		return object, nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil || values == nil {
		return nil, errors.New("JSON must be an object")
	}
	for name, value := range values {
		object[name] = value
	}
	return object, nil
}

// bound is the value of a member that limits something; 0 is none.
func bound(value any) any {
	switch v := value.(type) {
	case time.Duration:
		value = v.Seconds()
	case int:
		value = float64(v)
	}
	if value == 0.0 {
		return nil
	}
	return value
}

// headers reads NAME: VALUE, as curl takes it.
func headers(texts []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, ":")
		if !ok || name == "" {
			return nil, errors.New("--header must be like 'X-Tenant: b'") // its value may be a secret
		}
		out[name] = strings.TrimSpace(value)
	}
	return out, nil
}

// setFilter makes the filter of --filter, or of what the document has, and --attribute.
func setFilter(c *cli.Command, document map[string]any) error {
	if text := c.String("filter"); c.IsSet("filter") {
		if !json.Valid([]byte(text)) {
			return errors.New("--filter is not valid JSON; in a shell, put it in single quotes")
		}
		document["filter"] = json.RawMessage(text)
	}
	if !c.IsSet("attribute") {
		return nil
	}
	wanted, err := attributes(c.StringSlice("attribute"))
	if err != nil {
		return err
	}
	filter := map[string]json.RawMessage{}
	if raw, given := document["filter"].(json.RawMessage); given && json.Unmarshal(raw, &filter) != nil {
		return errors.New("the filter must be an object")
	}
	if filter["$attributes"] != nil {
		return errors.New("--attribute: the filter has $attributes already; add it there")
	}
	if filter == nil { // it was null
		filter = map[string]json.RawMessage{}
	}
	if filter["$attributes"], err = json.Marshal(wanted); err != nil {
		return err
	}
	document["filter"] = filter
	return nil
}
