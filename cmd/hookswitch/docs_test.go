package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCommandsOfTheDocsRun runs every ```sh block of the README and of docs against a real server, as a reader would paste
// it; blocks of one page share a server and a directory.
func TestCommandsOfTheDocsRun(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	block := regexp.MustCompile("(?s)```sh\n(.*?)```")
	ran := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			continue
		}
		s, dir := startServer(t, t.TempDir(), adminKey), t.TempDir()
		for _, b := range blocks {
			ran++
			script := strings.ReplaceAll(b[1], "http://127.0.0.1:8080", s.address)
			pasted := exec.Command("sh", "-e", "-c", script)
			pasted.Dir = dir
			pasted.Env = append(pasted.Environ(), "KEY="+adminKey, "HOOKSWITCH_KEY="+adminKey, "HOOKSWITCH_SERVER="+s.address)
			out, err := pasted.CombinedOutput()
			if err != nil || strings.Contains(string(out), `"error":{`) {
				t.Errorf("%s: %v\n%s\n%s", filepath.Base(page), err, script, out)
			}
		}
	}
	if ran == 0 {
		t.Error("found no command in any page")
	}
}

// pages are the README and every page of docs, at any depth that is in use.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

// TestLinksOfTheDocsLead checks that every relative link of README and docs names a file.
func TestLinksOfTheDocsLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range append(pages(t), "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), m[1])
			}
		}
	}
}
