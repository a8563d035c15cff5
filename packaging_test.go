package hookswitch_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// instruction is a line of a Dockerfile, with its continuations.
type instruction struct{ word, rest string }

func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var list []instruction
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		list = append(list, instruction{word, rest})
	}
	return list
}

// TestTheImageIsOneFileThatRunsAsNobody reads the Dockerfile, since an engine to build it is not at hand everywhere: the
// last stage is empty but for what is copied into it, its user has no rights, and what is copied exists.
func TestTheImageIsOneFileThatRunsAsNobody(t *testing.T) {
	t.Parallel()
	known := []string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "USER", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
	base, user, entry := "", "", ""
	var stages []string
	for _, i := range dockerfile(t) {
		if !slices.Contains(known, i.word) {
			t.Errorf("%s is no instruction", i.word)
		}
		words := slices.DeleteFunc(strings.Fields(i.rest), func(w string) bool { return strings.HasPrefix(w, "--platform=") })
		switch i.word {
		case "FROM":
			base, user = words[0], ""
			if len(words) == 3 {
				stages = append(stages, words[2])
			}
		case "USER":
			user = i.rest
		case "ENTRYPOINT":
			entry = i.rest
		case "COPY":
			checkCopy(t, words, stages)
		}
	}
	if base != "scratch" || entry != `["/hookswitch"]` {
		t.Errorf("the image is from %q and starts %s", base, entry)
	}
	if !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(user) {
		t.Errorf("the image's user is %q: must be numbers, and not root's", user)
	}
}

func checkCopy(t *testing.T, words, stages []string) {
	t.Helper()
	from := ""
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		if stage, ok := strings.CutPrefix(words[0], "--from="); ok {
			from = stage
		}
		words = words[1:]
	}
	if from != "" {
		if !slices.Contains(stages, from) {
			t.Errorf("there is no stage %s to copy from", from)
		}
		return
	}
	for _, source := range words[:len(words)-1] {
		if _, err := os.Stat(source); err != nil {
			t.Errorf("COPY %s: %v", source, err)
		}
	}
}

// TestTheImagesProgramIsStaticSmallAndKnowsItsVersion runs the build command of the Dockerfile.
func TestTheImagesProgramIsStaticSmallAndKnowsItsVersion(t *testing.T) {
	t.Parallel()
	const most = 40 << 20
	at := filepath.Join(t.TempDir(), "hookswitch")
	command := ""
	for _, i := range dockerfile(t) {
		if i.word == "RUN" && strings.Contains(i.rest, "go build") {
			command = regexp.MustCompile(`--mount=\S+`).ReplaceAllString(i.rest, "")
		}
	}
	build := exec.CommandContext(t.Context(), "sh", "-ec", strings.Replace(command, "/out/hookswitch", at, 1))
	build.Env = append(build.Environ(), "VERSION=1.2.3", "TARGETOS=", "TARGETARCH=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	said, err := exec.CommandContext(t.Context(), at, "version").Output()
	if err != nil || !strings.Contains(string(said), "1.2.3") {
		t.Errorf("version says %q, %v", said, err)
	}
	info, err := os.Stat(at)
	if err != nil || info.Size() > most {
		t.Errorf("%d bytes, at most %d are wanted; %v", info.Size(), most, err)
	}
	if program, err := elf.Open(at); err == nil { // elsewhere than on Linux it is no ELF file
		defer program.Close()
		if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
			t.Errorf("needs %v, %v", libraries, err)
		}
	}
}

// TestTheSystemdUnitSaysWhatItMust reads the unit, since systemd is not at hand everywhere.
func TestTheSystemdUnitSaysWhatItMust(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("deploy/systemd/hookswitch.service")
	if err != nil {
		t.Fatal(err)
	}
	said, section := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = line
		case !ok || section == "":
			t.Errorf("%q is no setting of a section", line)
		default:
			said[section+name] = append(said[section+name], value)
		}
	}
	const service = "[Service]"
	for name, want := range map[string]string{
		"Type": "notify", "ExecStart": "/usr/bin/hookswitch serve", "ExecReload": "/bin/kill -HUP $MAINPID", "Restart": "always", "DynamicUser": "yes",
		"StateDirectory": "hookswitch", "Environment": "HOOKSWITCH_DATA=%S/hookswitch", "CapabilityBoundingSet": "", "NoNewPrivileges": "yes",
		"ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces": "yes", "SystemCallArchitectures": "native",
	} {
		if got := said[service+name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !slices.Contains(said[service+"SystemCallFilter"], "@system-service") {
		t.Errorf("system calls are not held to @system-service: %q", said[service+"SystemCallFilter"])
	}
}

// TestSystemdFindsTheUnitValidAndConfined asks systemd itself, where it is.
func TestSystemdFindsTheUnitValidAndConfined(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("no systemd-analyze on this machine: TestTheSystemdUnitSaysWhatItMust has read the unit")
	}
	text, err := os.ReadFile("deploy/systemd/hookswitch.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "hookswitch.service")
	// The program and its manual are where the package puts them, not where the test runs.
	there := strings.NewReplacer("ExecStart=/usr/bin/hookswitch", "ExecStart=/bin/sh", "Documentation=man:hookswitch(1)\n", "").Replace(string(text))
	if err := os.WriteFile(unit, []byte(there), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	// The threshold is ten times the exposure level, 0 to 100; what is left is what a network service cannot do without.
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", unit).CombinedOutput()
	if strings.Contains(string(out), "unrecognized option") {
		t.Skip("this systemd-analyze cannot judge a file")
	}
	if err != nil {
		t.Errorf("security: %v\n%s", err, out)
	}
}

// checkName checks that a file of an archive keeps its name: goreleaser takes dst for a folder only where src is a pattern.
func checkName(t *testing.T, file map[string]any) {
	t.Helper()
	src, _ := file["src"].(string)
	if dst, ok := file["dst"].(string); ok && !strings.Contains(src, "*") && filepath.Base(dst) != filepath.Base(src) {
		t.Errorf("%s is called %s in the archive", src, dst)
	}
}

// TestTheReleaseTakesWhatIsThere checks that the files goreleaser is told to take exist, or are made by its first hook.
func TestTheReleaseTakesWhatIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var release struct {
		Builds []struct {
			Main    string
			Ldflags []string
		}
		Archives []struct{ Files []any }
		Nfpms    []struct{ Contents []struct{ Src string } }
	}
	if err := yaml.Unmarshal(text, &release); err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, b := range release.Builds {
		sources = append(sources, b.Main)
		if len(b.Ldflags) != 1 || !strings.Contains(b.Ldflags[0], "-X main.version=") {
			t.Errorf("the build does not set the version: %q", b.Ldflags)
		}
	}
	for _, a := range release.Archives {
		for _, file := range a.Files {
			if entry, ok := file.(map[string]any); ok {
				file = entry["src"]
				checkName(t, entry)
			}
			sources = append(sources, file.(string))
		}
	}
	for _, p := range release.Nfpms {
		for _, c := range p.Contents {
			sources = append(sources, c.Src)
		}
	}
	if len(sources) < 10 {
		t.Errorf("only %d sources were found", len(sources))
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		if strings.HasPrefix(source, "bin/manual/") {
			if source != "bin/manual/*" && !strings.Contains(string(makefile), "> "+source) {
				t.Errorf("make manual does not write %s", source)
			}
		} else if _, err := os.Stat(source); err != nil {
			t.Errorf("%s is not there", source)
		}
	}
}
