package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"
)

//go:embed openapi.json
var openAPISource []byte

// openAPI serves the document.
func openAPI(document []byte) handler {
	return func(c *gin.Context) error {
		c.Data(http.StatusOK, "application/json", document)
		return nil
	}
}

var pathParameter = regexp.MustCompile(`[:*]([a-z_]+)`)

// completeDocument adds to what is written down what follows from the routes: who
// may use each, and the answers of the middlewares.
func completeDocument(source []byte, routes []route) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(source, &document); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	paths, _ := document["paths"].(map[string]any)
	for _, r := range routes {
		path, _ := paths[pathParameter.ReplaceAllString(r.path, "{$1}")].(map[string]any)
		operation, _ := path[strings.ToLower(r.verb())].(map[string]any)
		if operation == nil {
			continue // a test finds it
		}
		if r.role == "" {
			operation["security"] = []any{}
		} else {
			operation["security"] = []any{map[string]any{"bearer": []any{string(r.role)}}, map[string]any{"header": []any{string(r.role)}}, map[string]any{}}
		}
		responses, _ := operation["responses"].(map[string]any)
		for status, name := range commonAnswers(r) {
			if responses != nil && responses[status] == nil {
				responses[status] = map[string]any{"$ref": "#/components/responses/" + name}
			}
		}
	}
	components, _ := document["components"].(map[string]any)
	if components == nil {
		return nil, fmt.Errorf("openapi.json has no components")
	}
	components["securitySchemes"] = map[string]any{
		"bearer": map[string]any{"type": "http", "scheme": "bearer", "description": "An API key, pnk_..., of the role named or one that includes it: read < predict < operate"},
		"header": map[string]any{"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "The same key"},
	}
	components["responses"] = commonResponses()
	return json.Marshal(document)
}

// commonAnswers are the statuses that the middlewares of a route may give, with
// the names of their responses.
func commonAnswers(r route) map[string]string {
	all := map[string]string{"400": "Invalid", "500": "Internal"}
	if r.role != "" {
		all["401"], all["403"], all["429"], all["503"] = "Unauthorized", "Forbidden", "TooManyRequests", "Unavailable"
	}
	if r.body > 0 {
		all["413"], all["415"] = "TooLarge", "MediaType"
	}
	if !r.local {
		all["504"] = "TooSlow"
	}
	return all
}

func commonResponses() map[string]any {
	header := func(meaning string) map[string]any {
		return map[string]any{"description": meaning, "schema": map[string]any{"type": "string"}}
	}
	answer := func(description string, headers map[string]any) map[string]any {
		headers["X-Request-Id"] = header("The caller's, or one of ours")
		return map[string]any{"description": description, "headers": headers, "content": map[string]any{
			"application/problem+json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Problem"}}}}
	}
	challenge := func() map[string]any {
		return map[string]any{"WWW-Authenticate": header("Bearer challenge of RFC 6750")}
	}
	return map[string]any{
		"Invalid":         answer("Wrong, unknown or repeated parameters, or a body that is not right; accepted names what would do", map[string]any{}),
		"Unauthorized":    answer("An API key is needed, or the one given does not hold", challenge()),
		"Forbidden":       answer("The role of the API key does not reach", challenge()),
		"TooManyRequests": answer("Faster than the caller's rate", map[string]any{"Retry-After": header("Seconds to wait")}),
		"Unavailable":     answer("Not available at the moment", map[string]any{"Retry-After": header("Seconds to wait")}),
		"TooLarge":        answer("The body is larger than this takes", map[string]any{}),
		"MediaType":       answer("A body of this content type is not read here", map[string]any{}),
		"TooSlow":         answer("Not done within the time of this route", map[string]any{}),
		"Internal":        answer("Our fault", map[string]any{}),
	}
}
