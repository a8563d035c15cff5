package methods

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

var backupMethods = []Method{
	{Name: "createBackup", Access: schemas.AccessAdmin, Run: createBackup},
}

// AuditBackup is the action of a backup. It is recorded when it begins: from then on data may leave.
const AuditBackup = "backup.begun"

// Backup is a backup that was made.
type Backup struct {
	Name    string    `json:"name"` // of the file in the operator's directory
	Size    int64     `json:"size"` // bytes
	Created time.Time `json:"created"`
}

func createBackup(ctx context.Context, c *Call) (any, error) {
	backup, err := c.backup(ctx, func() { c.AuditServer(ctx, AuditBackup, "") })
	if err != nil {
		return nil, err
	}
	return backup, nil
}
