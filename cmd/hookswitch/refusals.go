package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sourcegraph/jsonrpc2"
	"github.com/urfave/cli/v3"
)

const keyHint = "\n  give a key with --key or HOOKSWITCH_KEY"

// explain is an error as a person reads it. What a server refused comes with its code and each fault on a line.
func explain(err error) string {
	if one, ok := errors.AsType[about](err); ok {
		return one.argument + ": " + explain(one.error)
	}
	if one, ok := errors.AsType[hinted](err); ok {
		return explain(one.error) + "\n  " + one.hint
	}
	refusal, ok := errors.AsType[*jsonrpc2.Error](err)
	if !ok {
		if hint := distrusted(err); hint != "" {
			return err.Error() + "\n  " + hint
		}
		if _, silent := errors.AsType[unreachable](err); silent {
			return err.Error() + "\n  is the service running? --server or HOOKSWITCH_SERVER says where"
		}
		return err.Error()
	}
	by, _ := errors.AsType[askedBy](err)
	return explainRefusal(refusal, by.command)
}

// explainRefusal is what a server refused. c is the command whose flags made the parameters, nil when somebody wrote them.
func explainRefusal(refusal *jsonrpc2.Error, c *cli.Command) string {
	text := fmt.Sprintf("%s (code %d)", refusal.Message, refusal.Code)
	if refusal.Data == nil {
		return text
	}
	var told string // what data is of an error of the protocol
	if json.Unmarshal(*refusal.Data, &told) == nil && told != "" {
		return text + ": " + told
	}
	var data struct {
		Message    string        `json:"message"`
		RetryAfter int64         `json:"retryAfter"` // seconds
		Faults     []memberFault `json:"faults"`
	}
	if json.Unmarshal(*refusal.Data, &data) != nil {
		return text
	}
	if data.Message != "" && data.Message != refusal.Message {
		text += ": " + strings.Replace(data.Message, "The header Hookswitch-Account", "--account or "+variableOf("account"), 1)
	}
	for _, f := range data.Faults {
		text += "\n  " + f.explain(c)
	}
	if data.RetryAfter > 0 {
		text += "\n  try again in " + shortDuration(time.Duration(data.RetryAfter)*time.Second)
	}
	if refusal.Code == 300 {
		text += keyHint
	}
	return text
}

// hinted is an error with a line about what to do.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// askedBy is an error of a call whose parameters the flags and arguments of a command made.
type askedBy struct {
	error
	command *cli.Command
}

func (a askedBy) Unwrap() error { return a.error }

// byFlags has the faults of a call named as the command line has them; nil stays nil.
func byFlags(c *cli.Command, err error) error {
	if err == nil {
		return nil
	}
	return askedBy{err, c}
}

// memberFault is one thing that a server finds wrong with parameters.
type memberFault struct {
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

// lastNumber is the bound that a message ends with.
var lastNumber = regexp.MustCompile(`\d+$`)

// explain names the flag or the argument of c that made the member; without one, and without c, the member's pointer. No value
// is shown, as it may be secret.
func (f memberFault) explain(c *cli.Command) string {
	pointer, below := strings.CutPrefix(f.Pointer, "/params/")
	if c == nil || !below {
		return f.Pointer + " " + f.Message
	}
	member, within, deeper := strings.Cut(pointer, "/")
	name, flag := nameOf(c, member)
	if name == "" {
		return f.Pointer + " " + f.Message
	}
	message := f.Message
	if strings.HasPrefix(message, "a ") { // it begins with what the member is
		name += ":"
	}
	if _, ok := flag.(*durationFlag); ok { // the wire has seconds
		message = lastNumber.ReplaceAllStringFunc(message, func(digits string) string {
			n, _ := strconv.ParseInt(digits, 10, 32)
			return shortDuration(time.Duration(n) * time.Second)
		})
	}
	switch n, err := strconv.Atoi(within); {
	case deeper && err == nil && flag != nil && n == 0 && len(c.StringSlice(flag.Names()[0])) == 1:
		return name + " " + message // of a list of one
	case deeper && err == nil:
		return fmt.Sprintf("%s number %d %s", name, n+1, message)
	case deeper:
		return name + " at /" + within + " " + message
	}
	return name + " " + message
}

// nameOf is what a command line has for a member of the parameters: a flag, of the same name, of the member's singular or
// last word, or of the file that it is in, or an argument, in capitals. "" is none: the member was written in JSON, or the command sets it.
func nameOf(c *cli.Command, member string) (string, cli.Flag) {
	named := func(name string) (string, cli.Flag) {
		for _, f := range c.Flags {
			if f.Names()[0] == name && name != "key" && name != "server" && name != "ca" && name != "json" {
				return "--" + name, f
			}
		}
		return "", nil
	}
	kebab := kebabOf(member)
	name, flag := named(kebab)
	if name == "" {
		if argument := strings.ToUpper(member); regexp.MustCompile(`\b` + regexp.QuoteMeta(argument) + `\b`).MatchString(c.ArgsUsage) {
			return argument, nil
		}
		name, flag = named(strings.TrimSuffix(kebab, "s"))
	}
	if name == "" {
		name, flag = named(kebab + "-file")
	}
	if name == "" {
		name, flag = named(kebab[strings.LastIndexByte(kebab, '-')+1:])
	}
	return name, flag
}

// kebabOf is the spelling of flags: rate-limit for rateLimit.
func kebabOf(member string) string {
	var out strings.Builder
	for _, r := range member {
		if unicode.IsUpper(r) {
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}
