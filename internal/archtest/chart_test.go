package archtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"puenktlich/internal/config"
)

// chartFunctions are those of Helm's template functions the chart uses, as Helm
// documents them; a template that uses another does not parse.
func chartFunctions(root *template.Template) template.FuncMap {
	return template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := root.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"quote": func(v any) string { return strconv.Quote(fmt.Sprint(v)) },
		"nindent": func(n int, s string) string {
			pad := strings.Repeat(" ", n)
			return "\n" + pad + strings.ReplaceAll(s, "\n", "\n"+pad)
		},
		"toYaml": func(v any) (string, error) {
			text, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(text), "\n"), err
		},
		"sha256sum": func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
		"int":       func(v any) (int, error) { return strconv.Atoi(fmt.Sprint(v)) },
		"required": func(message string, v any) (any, error) {
			if v == nil || v == "" {
				return nil, errors.New(message)
			}
			return v, nil
		},
	}
}

// object is a rendered Kubernetes object.
type object map[string]any

// at follows keys; a list is entered at its first element.
func (o object) at(keys ...string) any {
	var here any = map[string]any(o)
	for _, key := range keys {
		if list, is := here.([]any); is && len(list) > 0 {
			here = list[0]
		}
		of, is := here.(map[string]any)
		if !is {
			return nil
		}
		here = of[key]
	}
	return here
}

func (o object) String() string { return fmt.Sprint(o.at("kind"), "/", o.at("metadata", "name")) }

// renderChart renders every template with the chart's values, the tag set.
func renderChart(t *testing.T, tag string) ([]object, error) { return renderChartWith(t, tag, "") }

func renderChartWith(t *testing.T, tag, gate string) ([]object, error) {
	t.Helper()
	var values map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "deploy", "helm", "puenktlich", "values.yaml")), &values))
	values["image"].(map[string]any)["tag"] = tag
	values["gate"] = gate
	files, err := filepath.Glob(fromRoot(t, "deploy", "helm", "puenktlich", "templates", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	root := template.New("chart").Option("missingkey=error")
	_, err = root.Funcs(chartFunctions(root)).ParseFiles(files...)
	require.NoError(t, err)
	var objects []object
	for _, file := range files {
		var b bytes.Buffer
		data := map[string]any{"Values": values, "Release": map[string]any{"Name": "rel"}}
		if err := root.ExecuteTemplate(&b, filepath.Base(file), data); err != nil {
			return nil, err
		}
		if filepath.Ext(file) == ".yaml" {
			objects = append(objects, documents(t, b.Bytes())...)
		}
	}
	return objects, nil
}

func documents(t *testing.T, text []byte) []object {
	t.Helper()
	var objects []object
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o map[string]any // an object would give its name to the maps within it
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return objects
		}
		require.NoError(t, err, string(text))
		if len(o) > 0 {
			objects = append(objects, o)
		}
	}
}

func TestChartRendersWhatRuns(t *testing.T) {
	t.Parallel()
	objects, err := renderChart(t, "v1")
	require.NoError(t, err)
	var names []string
	for _, o := range objects {
		names = append(names, o.String())
	}
	require.Subset(t, names, []string{"ConfigMap/rel-settings", "Job/rel-migrate", "StatefulSet/rel-api", "Service/rel-api", "PodDisruptionBudget/rel-api", "PodDisruptionBudget/rel-control"})
	require.NotContains(t, names, "PodDisruptionBudget/rel-train", "a budget for one replica would block every drain")
	var pools []string
	line := readCommandLine(t)
	for _, o := range objects {
		for _, kind := range []string{"containers", "initContainers"} {
			container, is := o.at("spec", "template", "spec", kind).([]any)
			if !is {
				continue
			}
			checkContainer(t, o, container[0].(map[string]any), line)
		}
		if o.at("kind") == "Deployment" {
			pools = append(pools, poolsOf(arguments(o.at("spec", "template", "spec", "containers", "args")))...)
		}
	}
	require.ElementsMatch(t, queues(), pools, "each pool has a Deployment")
}

func arguments(of any) []string {
	var args []string
	for _, arg := range of.([]any) {
		args = append(args, arg.(string))
	}
	return args
}

func checkContainer(t *testing.T, o object, container object, line commandLine) {
	t.Helper()
	require.Equal(t, "puenktlich:v1", container["image"], o)
	require.Empty(t, line.problem(arguments(container["args"])), o)
	require.Equal(t, true, o.at("spec", "template", "spec", "securityContext", "runAsNonRoot"), o)
	declared := map[any]bool{}
	for _, list := range []any{o.at("spec", "template", "spec", "volumes"), o.at("spec", "volumeClaimTemplates")} {
		volumes, _ := list.([]any)
		for _, volume := range volumes {
			declared[object(volume.(map[string]any)).at("name")] = true
			declared[object(volume.(map[string]any)).at("metadata", "name")] = true
		}
	}
	for _, mount := range container["volumeMounts"].([]any) {
		require.True(t, declared[mount.(map[string]any)["name"]], "%s mounts %v", o, mount)
	}
}

// TestChartSelectsItsPods: a selector that misses its own template is refused by
// the server only at installation.
func TestChartSelectsItsPods(t *testing.T) {
	t.Parallel()
	objects, err := renderChart(t, "v1")
	require.NoError(t, err)
	pods := map[string]map[string]any{}
	for _, o := range objects {
		if labels, is := o.at("spec", "template", "metadata", "labels").(map[string]any); is && o.at("kind") != "Job" {
			pods[fmt.Sprint(o.at("metadata", "name"))] = labels
		}
	}
	selected := 0
	for _, o := range objects {
		selector := o.at("spec", "selector", "matchLabels")
		if o.at("kind") == "Service" {
			selector = o.at("spec", "selector")
		}
		wanted, is := selector.(map[string]any)
		if !is {
			continue
		}
		var hits []string
		for name, labels := range pods {
			if !slices.ContainsFunc(keys(wanted), func(key string) bool { return labels[key] != wanted[key] }) {
				hits = append(hits, name)
			}
		}
		require.Equal(t, []string{fmt.Sprint(o.at("metadata", "name"))}, hits, o)
		selected++
	}
	require.GreaterOrEqual(t, selected, 10)
}

func TestChartSettingsAreKnown(t *testing.T) {
	t.Parallel()
	objects, err := renderChart(t, "v1")
	require.NoError(t, err)
	environ := []string{"PUENKTLICH_LISTEN=0.0.0.0:8080", "PUENKTLICH_INSTANCE=rel-api-0"} // of the API's own template
	for _, name := range []string{"S3_ACCESS_KEY", "S3_SECRET_KEY", "CLICKHOUSE_PASSWORD", "CLIENT_ID", "API_KEY"} {
		environ = append(environ, config.Prefix+name+"=given") // the Secret's keys, by values.yaml
		require.Contains(t, readFile(t, "deploy", "helm", "puenktlich", "values.yaml"), config.Prefix+name)
	}
	for _, o := range objects {
		if o.at("kind") != "ConfigMap" {
			continue
		}
		for name, value := range o.at("data").(map[string]any) {
			environ = append(environ, fmt.Sprintf("%s=%s", name, value)) // a number would not be allowed here
		}
	}
	c, err := config.Load(environ, nil)
	require.NoError(t, err)
	require.Equal(t, []int64{8000105}, c.Stations)
	require.Equal(t, "/keys/signing-key.pem", c.SigningKey)
}

// A gate comes as a file of its own, mounted wherever the setting names it.
func TestChartPassesAGate(t *testing.T) {
	t.Parallel()
	objects, err := renderChartWith(t, "v1", `{"min_events": 500}`)
	require.NoError(t, err)
	line := readCommandLine(t)
	mounted := 0
	for _, o := range objects {
		if o.String() == "ConfigMap/rel-gate" {
			require.Equal(t, `{"min_events": 500}`, o.at("data", "gate.json"))
		}
		if o.String() == "ConfigMap/rel-settings" {
			require.Equal(t, "/settings/gate.json", o.at("data", "PUENKTLICH_GATE"))
		}
		if containers, is := o.at("spec", "template", "spec", "containers").([]any); is {
			checkContainer(t, o, containers[0].(map[string]any), line)
			require.Contains(t, fmt.Sprint(containers[0]), "mountPath:/settings", o)
			mounted++
		}
	}
	require.Greater(t, mounted, 6)
}

func TestChartDemandsAnImage(t *testing.T) {
	t.Parallel()
	_, err := renderChart(t, "")
	require.ErrorContains(t, err, "set image.tag or image.digest")
}
