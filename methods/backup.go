package methods

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

var backupMethods = []Method{
	{Name: "createBackup", Access: schemas.AccessAdmin, Run: createBackup},
}

// Backup is a backup that was made.
type Backup struct {
	Name    string    `json:"name"` // of the file in the operator's directory
	Size    int64     `json:"size"` // bytes
	Created time.Time `json:"created"`
}

func createBackup(ctx context.Context, c *Call) (any, error) {
	backup, err := c.backup(ctx)
	if err != nil {
		return nil, err
	}
	return backup, nil
}
