package service

import (
	"fmt"
	"testing"

	"github.com/hookswitch/hookswitch/rpc/rpctest"
)

// TestTranscripts runs the dialogues in testdata over HTTP, WebSocket and in-process, each against a new service.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	rpctest.Run(t, "testdata/*.rpc", func(t *testing.T) rpctest.Target {
		s := open(t, func(o *Options) {
			o.AdminKey, o.PublicURL = "admin-key-of-the-transcripts-0123", "http://hooks.example.com"
			o.BackupDir = t.TempDir()
		})
		vars := map[string]string{
			"admin": "admin-key-of-the-transcripts-0123",
			"dead":  "http://127.0.0.1:1/", // nobody listens there
		}
		client := s.Client(t.Context(), vars["admin"])
		defer client.Close()
		for name, params := range map[string]map[string]any{
			"full": {"access": "full"}, "read": {"access": "read"}, "tenantkey": {"access": "read", "account": "tenant"},
		} {
			var k struct {
				Key     string `json:"key"`
				Account int    `json:"account"`
			}
			if err := client.Call(t.Context(), "createKey", params, &k); err != nil {
				t.Fatal(err)
			}
			if vars[name] = k.Key; name == "tenantkey" {
				vars["tenant"] = fmt.Sprint(k.Account)
			}
		}
		return rpctest.Target{Server: s.server, URL: s.url + "/rpc", Vars: vars}
	})
}
