package native_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// verifiers are the programs that the page of the dialect shows, each with what makes it read a delivery from its standard
// input and print true or false. need is what the machine must be able to run.
var verifiers = map[string]struct {
	file         string
	need, run    []string
	before, rest string
}{
	"go": {
		"main.go", []string{"go", "version"}, []string{"go", "run"},
		`package main
import ("crypto/ed25519"; "crypto/hmac"; "crypto/sha256"; "encoding/base64"; "encoding/json"; "fmt"; "net/http"; "os"; "strconv"; "strings"; "time")
`, `
func main() {
	var in struct { Headers map[string]string; Body, Key string }
	json.NewDecoder(os.Stdin).Decode(&in)
	h := http.Header{}
	for name, value := range in.Headers { h.Set(name, value) }
	fmt.Print(verify(h, []byte(in.Body), in.Key))
}`,
	},
	"js": {
		"main.js", []string{"node", "--version"}, []string{"node"}, ``, `
const given = JSON.parse(require('node:fs').readFileSync(0))
process.stdout.write(String(verify(given.Headers, Buffer.from(given.Body), given.Key)))`,
	},
	"php": {
		"main.php", []string{"php", "-r", "exit(function_exists('sodium_crypto_sign_verify_detached') ? 0 : 1);"}, []string{"php"}, "<?php\n", `
$given = json_decode(file_get_contents('php://stdin'), true);
echo json_encode(verify($given['Headers'], $given['Body'], $given['Key']));`,
	},
	"python": {
		"main.py", []string{"python3", "-c", "import cryptography"}, []string{"python3"}, ``, `
import json, sys
given = json.load(sys.stdin)
print(json.dumps(verify(given["Headers"], given["Body"].encode(), given["Key"])), end="")`,
	},
}

// TestTheVerifiersOfTheDocsVerify runs the page's programs on deliveries of both schemes, right and wrong.
func TestTheVerifiersOfTheDocsVerify(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/dialects/native.md")
	if err != nil {
		t.Fatal(err)
	}
	for language, v := range verifiers {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(page)
			if block == nil {
				t.Fatal("the page has no such program")
			}
			if out, err := exec.Command(v.need[0], v.need[1:]...).CombinedOutput(); err != nil {
				t.Skipf("this machine cannot run it: %v %.100s", err, out)
			}
			file := filepath.Join(t.TempDir(), v.file)
			if err := os.WriteFile(file, []byte(v.before+string(block[1])+v.rest), 0o600); err != nil {
				t.Fatal(err)
			}
			if language == "go" { // once, not for each delivery
				program := strings.TrimSuffix(file, ".go")
				if out, err := exec.Command("go", "build", "-o", program, file).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				v.run, file = nil, program
			}
			argv := append(slices.Clone(v.run), file)
			for name, d := range deliveries(t) {
				c := exec.Command(argv[0], argv[1:]...)
				c.Stdin = strings.NewReader(d.input)
				out, err := c.CombinedOutput()
				if err != nil || string(out) != d.want {
					t.Errorf("%s: got %s (%v), want %s", name, out, err, d.want)
				}
			}
		})
	}
}

type verification struct{ input, want string }

// deliveries are what the programs are tried on.
func deliveries(t *testing.T) map[string]verification {
	t.Helper()
	w := webhook()
	w.Secrets = []schemas.Secret{{Value: keyPair.secret}, {Value: currentSecret, Expires: time.Now().Add(time.Hour)}}
	out := map[string]verification{}
	add := func(name, key, body string, at time.Time, want string) {
		j := job(w, event())
		j.Now = at
		request := build(t, j)
		headers := map[string]string{}
		for name, values := range request.Header {
			headers[strings.ToLower(name)] = values[0]
		}
		if body == "" {
			body = string(request.Body)
		}
		input, err := json.Marshal(map[string]any{"Headers": headers, "Body": body, "Key": key})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = verification{string(input), want}
	}
	now := time.Now()
	add("the public key", keyPair.public, "", now, "true")
	add("the secret", currentSecret, "", now, "true")
	add("another public key", "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=", "", now, "false")
	add("another secret", formerSecret, "", now, "false")
	add("another body", keyPair.public, "{}", now, "false")
	add("another body and the secret", currentSecret, "{}", now, "false")
	add("an old one", currentSecret, "", now.Add(-time.Hour), "false")
	at := strconv.FormatInt(now.Unix(), 10)
	for name, headers := range map[string]map[string]string{
		"no header":                 {},
		"no signature":              {"webhook-id": "a", "webhook-timestamp": at},
		"a time that is none":       {"webhook-id": "a", "webhook-timestamp": "soon", "webhook-signature": "v1,AAAA"},
		"a signature not in Base64": {"webhook-id": "a", "webhook-timestamp": at, "webhook-signature": "v1,!!!!x v1a,!!!!x v1 ,"},
		"a signature of no length":  {"webhook-id": "a", "webhook-timestamp": at, "webhook-signature": "v1, v1a,"},
	} {
		for kind, key := range map[string]string{"secret": currentSecret, "public key": keyPair.public} {
			input, err := json.Marshal(map[string]any{"Headers": headers, "Body": "{}", "Key": key})
			if err != nil {
				t.Fatal(err)
			}
			out[name+", "+kind] = verification{string(input), "false"}
		}
	}
	return out
}
