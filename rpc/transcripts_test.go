package rpc_test

import (
	"testing"

	"github.com/hookswitch/hookswitch/rpc/rpctest"
)

func TestTranscripts(t *testing.T) {
	t.Parallel()
	rpctest.Run(t, "testdata/*.rpc", func(t *testing.T) rpctest.Target {
		return rpctest.Target{
			Server: newServer(t, testOptions(nil)),
			Vars:   map[string]string{"key": "secret-key"},
		}
	})
}
