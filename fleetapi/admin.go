package fleetapi

import (
	"context"
	"net/http"
	"net/url"
)

// Retire takes a cluster out of every view; its number is kept for the same identity.
// It needs the admin token. A StatusError with code 404 means that the control plane
// knows no such cluster; with 409, that it is up, unless force is set.
func (c *Client) Retire(ctx context.Context, identity string, force bool) error {
	query := url.Values{"identity": {identity}}
	if force {
		query.Set("force", "1")
	}
	return c.call(ctx, http.MethodDelete, PathAdminCluster+"?"+query.Encode(), nil, http.StatusNoContent, nil)
}
