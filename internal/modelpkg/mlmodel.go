package modelpkg

import (
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"

	"puenktlich/internal/feature"
)

// mlflowVersion is the release of MLflow whose directory layout this is.
const mlflowVersion = "3.17.2"

// pythonVersion and requirements are what the loader was tested with at least.
const pythonVersion = "3.11"

var requirements = []string{"numpy>=1.26", "pandas>=2.0", "xgboost>=1.7"}

// HorizonColumn is the one input beside the features, optional: the horizon
// in minutes that the calibration is for. Defaults to the feature "horizon".
const HorizonColumn = "horizon_minutes"

// Names of outputs; one more for each edge, see edgeColumn.
const (
	onTimeColumn    = "p_on_time"
	cancelledColumn = "p_cancelled"
)

// edgeColumn names P(delay <= edge | runs).
func edgeColumn(edge int) string { return fmt.Sprintf("p_delay_at_most_%d_min", edge) }

// mlmodel is the file MLmodel.
type mlmodel struct {
	Flavors struct {
		PythonFunction pythonFunction `yaml:"python_function"`
	} `yaml:"flavors"`
	MlflowVersion string         `yaml:"mlflow_version"`
	ModelUUID     string         `yaml:"model_uuid"`
	RunID         string         `yaml:"run_id,omitempty"`
	Example       exampleInfo    `yaml:"saved_input_example_info"`
	Signature     signatureTexts `yaml:"signature"`
	Created       string         `yaml:"utc_time_created"`
}

type pythonFunction struct {
	Code   string            `yaml:"code"`
	Data   string            `yaml:"data"`
	Env    map[string]string `yaml:"env"`
	Loader string            `yaml:"loader_module"`
	Python string            `yaml:"python_version"`
}

type exampleInfo struct {
	Path    string `yaml:"artifact_path"`
	Orient  string `yaml:"pandas_orient"`
	Serving string `yaml:"serving_input_path"`
	Type    string `yaml:"type"`
}

type signatureTexts struct {
	Inputs  string  `yaml:"inputs"`  // columns as JSON
	Outputs string  `yaml:"outputs"` // columns as JSON
	Params  *string `yaml:"params"`
}

type column struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Required bool   `json:"required"`
}

// addMLflow adds MLmodel and what MLflow expects beside it.
func (c Contents) addMLflow(files map[string][]byte) error {
	m, err := c.mlmodel(files[bucketsFile])
	if err != nil {
		return fmt.Errorf("MLmodel: %w", err)
	}
	conda := map[string]any{
		"name": "puenktlich-model", "channels": []string{"conda-forge"},
		"dependencies": []any{"python>=" + pythonVersion, "pip", map[string]any{"pip": requirements}},
	}
	python := map[string]any{"python": pythonVersion, "dependencies": []string{"-r requirements.txt"}}
	for path, document := range map[string]any{"MLmodel": m, "conda.yaml": conda, "python_env.yaml": python} {
		if files[path], err = yaml.Marshal(document); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, line := range requirements {
		files["requirements.txt"] = append(files["requirements.txt"], line+"\n"...)
	}
	example := c.inputExample()
	for path, document := range map[string]any{m.Example.Path: example, m.Example.Serving: map[string]any{"dataframe_split": example}} {
		if files[path], err = encode(document); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// mlmodel takes its identifier from the trees, so that the same contents give
// the same file.
func (c Contents) mlmodel(buckets []byte) (mlmodel, error) {
	var m mlmodel
	m.Flavors.PythonFunction = pythonFunction{
		Code: "code", Data: ".", Loader: "puenktlich_model", Python: pythonVersion,
		Env: map[string]string{"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
	}
	m.MlflowVersion, m.RunID = mlflowVersion, c.Trained.RunID
	m.ModelUUID = digestOf(fmt.Appendf(nil, "%s@%d %s", c.Name, c.Version, buckets))[:32]
	m.Example = exampleInfo{"input_example.json", "split", "serving_input_example.json", "dataframe"}
	m.Created = c.Created.UTC().Format("2006-01-02 15:04:05.000000")
	var err error
	if m.Signature.Inputs, err = columnsText(inputColumns()); err != nil {
		return m, err
	}
	m.Signature.Outputs, err = columnsText(outputColumns(c.Artefact.Edges))
	return m, err
}

// inputColumns are the features as float32, NaN = not known.
func inputColumns() []column {
	columns := []column{{"double", HorizonColumn, false}}
	for _, name := range feature.Names() {
		columns = append(columns, column{"float", name, true})
	}
	return columns
}

func outputColumns(edges []int) []column {
	columns := []column{{"double", onTimeColumn, true}, {"double", cancelledColumn, true}}
	for _, edge := range edges {
		columns = append(columns, column{"double", edgeColumn(edge), true})
	}
	return columns
}

func columnsText(columns []column) (string, error) {
	text, err := json.Marshal(columns)
	return string(text), err
}

// splitJSON is a data frame as pandas writes it with orient="split".
type splitJSON struct {
	Columns []string `json:"columns"`
	Data    [][]any  `json:"data"`
}

// inputExample is the golden rows' inputs.
func (c Contents) inputExample() splitJSON {
	example := splitJSON{Columns: append([]string{HorizonColumn}, feature.Names()...)}
	for _, row := range c.Golden {
		line := []any{row.HorizonMinutes}
		for _, v := range nullable(row.Vector) {
			line = append(line, v)
		}
		example.Data = append(example.Data, line)
	}
	return example
}
