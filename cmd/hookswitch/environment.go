package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// variables are all variables of ours that this version reads.
func variables() []string {
	names := []string{adminKeyVariable, encryptionKeyVariable}
	for _, f := range slices.Concat(serviceFlags(), clientFlags(), []cli.Flag{configFlag(), accountFlag("")}) {
		names = append(names, variableOf(f.Names()[0]))
	}
	return names
}

// unknownVariables are those in the environment that are named like ours and are not; each with the one that was probably
// meant, "" for none. An environment may carry those of another version or of a program beside, so that nothing is refused.
func unknownVariables(environment []string) map[string]string {
	var known []string
	for _, name := range variables() {
		known = append(known, strings.TrimPrefix(name, variablePrefix))
	}
	unknown := map[string]string{}
	for _, setting := range environment {
		name, value, _ := strings.Cut(setting, "=")
		ending, ours := strings.CutPrefix(name, variablePrefix)
		if !ours || value == "" || slices.Contains(known, ending) || ofKubernetes(ending, value) {
			continue
		}
		unknown[name] = ""
		if near := nearest(ending, known); near != "" {
			unknown[name] = variablePrefix + near
		}
	}
	return unknown
}

// Kubernetes tells a container of each service of its namespace, so also of one that is named hookswitch.
var (
	serviceVariable = regexp.MustCompile(`^(.*_)?SERVICE_(HOST|PORT(_.*)?)$`)
	linkVariable    = regexp.MustCompile(`^(.*_)?PORT(_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)?$`)
	linkValue       = regexp.MustCompile(`^[a-z]+://`)
)

// ofKubernetes reports whether Kubernetes set a variable of that ending. PORT is a link there, in anybody else's hands a number.
func ofKubernetes(ending, value string) bool {
	if serviceVariable.MatchString(ending) {
		return true
	}
	link := linkVariable.FindStringSubmatch(ending)
	return link != nil && (link[2] != "" || linkValue.MatchString(value))
}

// warnings say it of each unknown variable, in the order of their names; their values are not shown.
func warnings(unknown map[string]string) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		line := name + " is no variable of this version, it changes nothing"
		if near := unknown[name]; near != "" {
			line += fmt.Sprintf("; did you mean %s?", near)
		}
		lines = append(lines, line)
	}
	return lines
}

// warnBefore has the commands that open a store warn of all unknown variables, as serve does in its log, and those that ask a
// service of what was probably meant for them: their environment may be anybody's.
func warnBefore(commands []*cli.Command) {
	for _, c := range commands {
		warnBefore(c.Commands)
		act, flags := c.Action, namesOf(c.Flags)
		asks, opens := slices.Contains(flags, "server"), slices.Contains(flags, "data") && !slices.Contains(flags, "listen")
		if act == nil || !asks && !opens {
			continue
		}
		c.Action = func(ctx context.Context, c *cli.Command) error {
			unknown := unknownVariables(os.Environ())
			if asks && !(opens && c.IsSet("data")) {
				unknown = meant(unknown, flags)
			}
			for _, line := range warnings(unknown) {
				fmt.Fprintln(c.Root().ErrWriter, "hookswitch: "+line)
			}
			return act(ctx, c)
		}
	}
}

// meant are the unknown variables that are nearly one of ours, or named as a flag that has none.
func meant(unknown map[string]string, flags []string) map[string]string {
	for _, flag := range flags {
		if _, there := unknown[variableOf(flag)]; there {
			unknown[variableOf(flag)] = "--" + flag
		}
	}
	maps.DeleteFunc(unknown, func(_, near string) bool { return near == "" })
	return unknown
}
