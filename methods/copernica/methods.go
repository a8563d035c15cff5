package copernica

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// rows are the methods about the keys that sign this dialect's deliveries.
func rows(keys *Keys) []methods.Method {
	return []methods.Method{
		{Name: "getSigningKeys", Access: schemas.AccessRead, Run: func(ctx context.Context, _ *methods.Call) (any, error) {
			records, err := keys.Records(ctx, time.Now())
			if err != nil {
				return nil, err
			}
			return map[string][]KeyRecord{"keys": records}, nil
		}},
		{Name: "rotateSigningKey", Access: schemas.AccessAdmin, Run: func(ctx context.Context, c *methods.Call) (any, error) {
			after := defaultWait
			c.Read().Number("after", &after)
			next, err := keys.Rotate(ctx, time.Duration(after)*time.Second)
			if err == nil {
				c.AuditServer(ctx, "signingKey.rotated", next.KeyID)
			}
			return next, err
		}},
	}
}

// defaultWait is how many seconds a new key waits before it signs: time to publish its record, and for DNS to forget that
// there was none.
const defaultWait int64 = 3600
