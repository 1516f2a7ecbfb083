package api

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"puenktlich/schemas"
)

// models is the resource of models.
type models struct {
	model    string
	champion Champion
	registry Registry
}

// modelAnswer says what answers here, how good it was when it was evaluated,
// and what the registry says.
type modelAnswer struct {
	Model      string               `json:"model"`
	Serving    *schemas.PackageRef  `json:"serving"` // null before the first promotion
	Evaluation *schemas.Report      `json:"evaluation"`
	Champion   *schemas.AliasEntry  `json:"champion"`
	History    []schemas.AliasEntry `json:"history"`
	Registry   registryState        `json:"registry"`
	Features   *servedFeatures      `json:"features"`
}

type servedFeatures struct {
	Version string   `json:"version"`
	Names   []string `json:"names"`
}

// registryState says whether the registry answered.
type registryState string

const (
	registryRead        registryState = "read"
	registryUnavailable registryState = "unavailable"
)

func (m *models) get(c *gin.Context) error {
	if name := c.Param("name"); name != m.model {
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("no model %q is served here", name), Near: []Match{{m.model, m.model}}}
	}
	answer := modelAnswer{Model: m.model, History: []schemas.AliasEntry{}, Registry: registryUnavailable}
	if loaded, err := m.champion.Current(); err == nil {
		answer.Serving, answer.Evaluation = &loaded.Ref, &loaded.Report
		answer.Features = &servedFeatures{loaded.Model.FeatureVersion(), loaded.Model.Features()}
	}
	if m.registry != nil {
		if aliases, _, err := m.registry.Aliases(c.Request.Context(), m.model); err == nil {
			answer.Registry, answer.Champion = registryRead, aliases.Champion
			answer.History = append(answer.History, aliases.History...)
		}
	}
	c.JSON(http.StatusOK, answer)
	return nil
}
