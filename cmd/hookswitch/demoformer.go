package main

import (
	"context"
	"encoding/json"
	"strings"
)

// demoPath begins every endpoint of the demo; by it a later demo finds what a former one left.
const demoPath = "/hookswitch-demo/"

// removeFormer deletes the webhooks of a former demo on the same store: their receiver is gone.
func (d *demo) removeFormer(ctx context.Context) error {
	cursor := ""
	for {
		var page struct {
			Items  []map[string]json.RawMessage `json:"items"`
			Cursor string                       `json:"cursor"`
		}
		params := map[string]any{}
		if cursor != "" {
			params["cursor"] = cursor
		}
		if err := d.client.Call(ctx, "listWebhooks", params, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if id := formerID(item); id != nil {
				if err := d.client.Call(ctx, "deleteSubscription", map[string]any{"id": id}, nil); err != nil {
					return err
				}
			}
		}
		if cursor = page.Cursor; cursor == "" {
			return nil
		}
	}
}

// formerID is the id of a webhook of a former demo, in whatever dialect it shows itself, nil for another's.
func formerID(item map[string]json.RawMessage) json.RawMessage {
	endpoint := string(endpointOf(item))
	if !strings.Contains(endpoint, "127.0.0.1") || !strings.Contains(endpoint, demoPath) {
		return nil
	}
	return idOf(item)
}

// demoKey makes the key that the examples show, and ends the one of a former demo.
func (d *demo) demoKey(ctx context.Context) (string, error) {
	var page struct {
		Items []key `json:"items"`
	}
	if err := d.client.Call(ctx, "listKeys", map[string]any{"limit": 1000}, &page); err != nil {
		return "", err
	}
	for _, k := range page.Items {
		if k.Name == "demo" {
			if err := d.client.Call(ctx, "revokeKey", map[string]any{"id": k.ID}, nil); err != nil {
				return "", err
			}
		}
	}
	var k key
	err := d.client.Call(ctx, "createKey", map[string]any{"access": "full", "name": "demo"}, &k)
	return k.Key, err
}
