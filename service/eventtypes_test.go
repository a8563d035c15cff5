package service

import (
	"errors"
	"testing"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/schemas"
)

func TestASchemaHoldsInItsAccountAndAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := func(o *Options) { o.Data, o.AdminKey = dir, "the-admin-key-of-the-test-of-event-types" }
	code := func(err error) int64 {
		if e, ok := errors.AsType[*jsonrpc2.Error](err); ok {
			return e.Code
		}
		return 0
	}
	bad := map[string]any{"type": "order.paid", "data": "none"}
	t.Run("the first process", func(t *testing.T) {
		s := open(t, here)
		params := map[string]any{"type": "order.paid", "schema": map[string]any{"type": "object"}}
		s.call(t, s.fullKey(t, "shop"), "putEventType", params, nil)
		for _, access := range []schemas.Access{schemas.AccessRead, schemas.AccessPublish} {
			weak := s.makeKey(t, "shop", access)
			for _, method := range []string{"putEventType", "deleteEventType"} {
				if got := code(s.try(t, weak, method, map[string]any{"type": "order.paid"}, nil)); got != 355 {
					t.Errorf("%s with %s access: code %d, want 355", method, access, got)
				}
			}
			s.call(t, weak, "listEventTypes", nil, nil)
		}
	})
	s := open(t, here)
	if got := code(s.try(t, s.fullKey(t, "shop"), "publishEvent", bad, nil)); got != 360 {
		t.Errorf("after a restart: code %d, want 360", got)
	}
	s.publish(t, s.fullKey(t, "neighbour"), bad, 0)
	var list struct {
		Items []schemas.EventType `json:"items"`
	}
	s.call(t, s.fullKey(t, "neighbour"), "listEventTypes", nil, &list)
	if len(list.Items) != 0 {
		t.Errorf("the neighbour sees %d types", len(list.Items))
	}
}
