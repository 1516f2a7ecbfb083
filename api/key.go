package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// keyAnswer is what a caller may know of itself.
type keyAnswer struct {
	KeyID   string     `json:"key_id,omitempty"` // absent without a key
	Name    string     `json:"name,omitempty"`
	Role    Role       `json:"role"`
	Expires *time.Time `json:"expires"` // null: never
	Limit   *keyLimit  `json:"limit"`   // null: none
}

type keyLimit struct {
	PerSecond float64 `json:"per_second"`
	Burst     int     `json:"burst"`
	Remaining int     `json:"remaining"` // at this instance
}

// ownKey tells a caller its role and its limits.
func ownKey(c *gin.Context) error {
	caller := callerOf(c)
	answer := keyAnswer{KeyID: caller.KeyID, Name: caller.Name, Role: caller.Role}
	if answer.Role == "" { // no gate: everyone may do everything
		answer.Role = RoleOperate
	}
	if !caller.Expires.IsZero() {
		answer.Expires = &caller.Expires
	}
	if caller.PerSecond > 0 {
		answer.Limit = &keyLimit{PerSecond: caller.PerSecond, Burst: caller.Burst, Remaining: caller.Remaining}
	}
	c.JSON(http.StatusOK, answer)
	return nil
}
