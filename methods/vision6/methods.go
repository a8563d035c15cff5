package vision6

import (
	"context"
	"encoding/json"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// The methods' parameters after api_key, by the names of the vendor's pages.
const (
	paramDetails  = "webhook_details"
	paramID       = "webhook_id"
	paramCriteria = "search_criteria"
)

// Limits of a search.
const (
	defaultLimit = 100 // the vendor's
	maxLimit     = 10_000
	pageSize     = 500 // webhooks read from the store at once
)

// rows are the methods that only this dialect has, and its form of deleteWebhook.
func rows(d *methods.Dialect) []methods.Method {
	return []methods.Method{
		{Name: "addWebhook", Access: schemas.AccessFull, KeyFirst: true, Run: func(ctx context.Context, c *methods.Call) (any, error) {
			return addWebhook(ctx, c, d)
		}},
		{Name: "editWebhook", Access: schemas.AccessFull, KeyFirst: true, Run: func(ctx context.Context, c *methods.Call) (any, error) {
			return editWebhook(ctx, c, d)
		}},
		{Name: "deleteWebhook", Access: schemas.AccessFull, KeyFirst: true, Form: formOfDelete, Run: deleteWebhook},
		{Name: "getWebhookById", Access: schemas.AccessRead, KeyFirst: true, Run: getWebhookByID},
		{Name: "searchWebhooks", Access: schemas.AccessRead, KeyFirst: true, Run: searchWebhooks},
		{Name: "countWebhooks", Access: schemas.AccessRead, KeyFirst: true, Run: countWebhooks},
	}
}

func addWebhook(ctx context.Context, c *methods.Call, d *methods.Dialect) (any, error) {
	w, err := c.Register(ctx, c, d, c.Read().Raw(paramDetails), c.Pointer(paramDetails))
	if err != nil {
		return nil, err
	}
	return w.ID, nil
}

// editWebhook finds the id among the details, as the API's other edit methods do, and answers with it.
func editWebhook(ctx context.Context, c *methods.Call, d *methods.Dialect) (any, error) {
	doc := c.Read().Raw(paramDetails)
	var id int64
	methods.ReadDocument(doc, false).Number("id", &id)
	if id < 1 {
		return nil, schemas.Invalid(schemas.Fault{
			Pointer: c.Pointer(paramDetails) + "/id", Message: "must be the id of a webhook",
		})
	}
	w, err := c.Amend(ctx, c, d, schemas.WebhookID(id), doc, c.Pointer(paramDetails))
	if err != nil {
		return nil, err
	}
	return w.ID, nil
}

func deleteWebhook(ctx context.Context, c *methods.Call) (any, error) {
	w, err := named(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := c.Remove(ctx, c, w.ID); err != nil {
		return nil, err
	}
	return true, nil
}

// formOfDelete tells Vision6's deleteWebhook(api_key, webhook_id) from the REST vendors' deleteWebhook({id}): two
// positional parameters, or a member named as on the vendor's pages.
func formOfDelete(params json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(params, &list) == nil && len(list) > 1 {
		return Name
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(params, &members) == nil && (members["api_key"] != nil || members[paramID] != nil) {
		return Name
	}
	return ""
}

// getWebhookByID answers with a list of one, as the API's other get…ById methods do.
func getWebhookByID(ctx context.Context, c *methods.Call) (any, error) {
	w, err := named(ctx, c)
	if err != nil {
		return nil, err
	}
	return []Webhook{shown(w)}, nil
}

// named reads the webhook of the parameter webhook_id. Webhooks of other dialects are not there for this one.
func named(ctx context.Context, c *methods.Call) (*schemas.Webhook, error) {
	in := c.Read()
	var id int64
	in.Number(paramID, &id)
	if err := in.Err(); err != nil {
		return nil, err
	}
	w, err := c.Webhook(ctx, c, schemas.WebhookID(id))
	if err != nil {
		return nil, err
	}
	if w.Dialect != Name {
		return nil, schemas.Refuse(schemas.KindNoWebhook, "There is no webhook of that id")
	}
	return w, nil
}

func searchWebhooks(ctx context.Context, c *methods.Call) (any, error) {
	in := c.Read()
	s := search{limit: defaultLimit, sortBy: "id", order: "ASC"}
	s.read(in)
	if err := in.Err(); err != nil {
		return nil, err
	}
	found, err := matching(ctx, c, s.wanted)
	if err != nil {
		return nil, err
	}
	return s.page(found), nil
}

func countWebhooks(ctx context.Context, c *methods.Call) (any, error) {
	in := c.Read()
	wanted := readCriteria(in)
	if err := in.Err(); err != nil {
		return nil, err
	}
	found, err := matching(ctx, c, wanted)
	if err != nil {
		return nil, err
	}
	return len(found), nil
}

// matching reads all webhooks of the dialect that are wanted, by increasing id.
func matching(ctx context.Context, c *methods.Call, wanted condition) ([]Webhook, error) {
	found := []Webhook{}
	var after schemas.WebhookID
	for {
		page, err := c.Webhooks(ctx, c, Name, after, pageSize)
		if err != nil {
			return nil, err
		}
		for _, w := range page {
			if s := shown(w); wanted(&s) {
				found = append(found, s)
			}
			after = w.ID
		}
		if len(page) < pageSize {
			return found, nil
		}
	}
}
