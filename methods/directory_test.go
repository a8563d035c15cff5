package methods

import (
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// keyOfTest is the stored form of the key "secret".
func keyOfTest() schemas.Key {
	return schemas.Key{Account: 1, ID: 2, Hash: hashKey("secret"), Access: schemas.AccessFull}
}

func TestADirectoryForgetsALateChangeOfARemovedKey(t *testing.T) {
	t.Parallel()
	d := newDirectory()
	put := func(revision uint64) {
		if err := d.putKey(keyOfTest(), revision); err != nil {
			t.Fatal(err)
		}
	}
	put(5)
	if _, ok := d.find("secret"); !ok {
		t.Fatal("a stored key is not found")
	}
	d.removeKey(keyRef{1, 2}, 9)
	put(7) // overtaken by the removal
	if _, ok := d.find("secret"); ok {
		t.Error("a revoked key works again")
	}
}
