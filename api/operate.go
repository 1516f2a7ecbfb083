package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/schemas"
)

// Operator acts on models, through their workflows. The id of a request makes a
// repeated one the same. An *Error of its own says what is not possible.
type Operator interface {
	// Promote starts a rollout and answers its workflow.
	Promote(ctx context.Context, requestID, model string, order PromoteOrder, actor string) (Rollout, error)
	// Opine approves or rejects the challenger and answers whose opinion was taken.
	Opine(ctx context.Context, requestID, model string, approved bool, request schemas.OpinionRequest) (string, error)
	// Rollback brings back an earlier champion and answers once every leased
	// instance confirmed it, or did not in time.
	Rollback(ctx context.Context, requestID, model string, request schemas.RollbackRequest) (schemas.SwitchResult, error)
}

// PromoteOrder names a version by number or digest; neither: the newest.
type PromoteOrder struct {
	Version int    `json:"version"`
	Digest  string `json:"digest"`
	Reason  string `json:"reason"`
	// Now leaves out shadow, canary and approval.
	Now bool `json:"now"`
}

// Rollout is one that was started.
type Rollout struct {
	Workflow string             `json:"workflow"`
	Package  schemas.PackageRef `json:"package"`
}

// Bounds of what operators send, and how long a switch may take: the workflow
// waits 30 seconds for instances.
const (
	maxOrderBytes = 4 << 10
	maxReason     = 1000 // characters; it stands in payloads and tables
	switchWithin  = 50 * time.Second
)

// acts is the resource of what operators do on models.
type acts struct {
	models   *models
	operator Operator
}

// acted says whom the audit names.
type acted struct {
	Actor string `json:"actor"`
	Said  string `json:"said"`
}

// order is the body of approve, reject and rollback.
type order struct {
	Digest string `json:"digest"`
	Reason string `json:"reason"`
}

// begin checks what every act needs.
func (o *acts) begin(c *gin.Context, into any, reason *string) (actor string, err error) {
	if err := o.models.known(c.Param("name")); err != nil {
		return "", err
	}
	if err := decode(c, into); err != nil {
		return "", err
	}
	switch n := len([]rune(*reason)); {
	case n == 0:
		return "", invalid("reason is required: the audit keeps it")
	case n > maxReason:
		return "", invalid("reason has %d characters, at most %d are kept", n, maxReason)
	}
	if o.operator == nil {
		return "", unavailable("models cannot be acted on through this instance")
	}
	return callerOf(c).Actor(), nil
}

func (o *acts) promote(c *gin.Context) error {
	var in PromoteOrder
	actor, err := o.begin(c, &in, &in.Reason)
	if err != nil {
		return err
	}
	if in.Version < 0 {
		return invalid("version=%d: want the number of a version, or leave it out for the newest", in.Version)
	}
	started, err := o.operator.Promote(c.Request.Context(), requestID(c), c.Param("name"), in, actor)
	if err != nil {
		return err
	}
	c.JSON(http.StatusAccepted, started)
	return nil
}

func (o *acts) opine(approved bool) handler {
	return func(c *gin.Context) error {
		var in order
		actor, err := o.begin(c, &in, &in.Reason)
		if err != nil {
			return err
		}
		if in.Digest == "" {
			return invalid("digest is required: name the package that you mean; /v1/models/%s has the challenger's", c.Param("name"))
		}
		said, err := o.operator.Opine(c.Request.Context(), requestID(c), c.Param("name"), approved, schemas.OpinionRequest{Digest: in.Digest, Actor: actor, Reason: in.Reason})
		if err != nil {
			return err
		}
		c.JSON(http.StatusOK, acted{actor, said})
		return nil
	}
}

func (o *acts) rollback(c *gin.Context) error {
	var in order
	actor, err := o.begin(c, &in, &in.Reason)
	if err != nil {
		return err
	}
	result, err := o.operator.Rollback(c.Request.Context(), requestID(c), c.Param("name"), schemas.RollbackRequest{Digest: in.Digest, Actor: actor, Reason: in.Reason})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, result)
	return nil
}

// Refused is what the state of a model does not allow, in the words of its
// workflow.
func Refused(format string, args ...any) *Error {
	return &Error{Kind: KindConflict, Detail: fmt.Sprintf(format, args...)}
}

// Unknown is a package or version that there is not.
func Unknown(format string, args ...any) *Error {
	return &Error{Kind: KindNotFound, Detail: fmt.Sprintf(format, args...)}
}

// Away is a server behind this one that does not answer.
func Away(format string, args ...any) *Error { return unavailable(format, args...) }
