package api

import (
	"embed"
	"net/http"

	"github.com/gin-gonic/gin"
)

// pageFiles are the web page: plain HTML, CSS and JavaScript.
//
//go:embed page
var pageFiles embed.FS

// addPage serves the page at the root. It loads nothing from elsewhere.
func (s *server) addPage(e *gin.Engine) {
	for path, file := range map[string][2]string{
		"/":                       {"page/index.html", "text/html; charset=utf-8"},
		"/assets/texts.js":        {"page/texts.js", "text/javascript; charset=utf-8"},
		"/assets/reasons.js":      {"page/reasons.js", "text/javascript; charset=utf-8"},
		"/assets/quality.js":      {"page/quality.js", "text/javascript; charset=utf-8"},
		"/assets/page.js":         {"page/page.js", "text/javascript; charset=utf-8"},
		"/assets/page.css":        {"page/page.css", "text/css; charset=utf-8"},
		"/assets/experiments.css": {"page/experiments.css", "text/css; charset=utf-8"},
		"/assets/icon.svg":        {"page/icon.svg", "image/svg+xml"},
		"/docs":                   {"page/docs.html", "text/html; charset=utf-8"},
		"/assets/docs.js":         {"page/docs.js", "text/javascript; charset=utf-8"},
		"/assets/docs.css":        {"page/docs.css", "text/css; charset=utf-8"},
	} {
		body, err := pageFiles.ReadFile(file[0])
		if err != nil {
			panic("api: page is compiled in: " + err.Error())
		}
		e.GET(path, func(c *gin.Context) {
			c.Header("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			c.Header("Cache-Control", "no-cache")
			c.Data(http.StatusOK, file[1], body)
		})
	}
}
