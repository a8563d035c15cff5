package service

import (
	"fmt"

	"github.com/hookswitch/hookswitch/schemas"
)

// Describe is the OpenRPC document of the methods of this build, without a service.
func Describe(version string) ([]byte, error) {
	catalogue, err := schemas.Load()
	if err != nil {
		return nil, fmt.Errorf("load schemas: %w", err)
	}
	return catalogue.OpenRPC(version, ""), nil
}
