package oip

import (
	"strings"

	"puenktlich/internal/vectors"
)

// Platform names what the model runs on, as the protocol suggests:
// project_format.
const Platform = "puenktlich_xgboost"

// ServerMetadata answers GET /v2.
type ServerMetadata struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

// Extensions of the protocol that are spoken.
func Extensions() []string { return []string{"binary_tensor_data"} }

// ModelMetadata answers GET /v2/models/NAME.
type ModelMetadata struct {
	Name     string           `json:"name"`
	Versions []string         `json:"versions"`
	Platform string           `json:"platform"`
	Inputs   []TensorMetadata `json:"inputs"`
	Outputs  []TensorMetadata `json:"outputs"`
}

// TensorMetadata describes a tensor; -1 is the number of rows.
type TensorMetadata struct {
	Name       string         `json:"name"`
	Datatype   Datatype       `json:"datatype"`
	Shape      []int          `json:"shape"`
	Parameters map[string]any `json:"parameters,omitempty"`
}

// Describe is the metadata of a model with these columns and edges.
func Describe(name, version string, layout *vectors.Layout, edges []int) ModelMetadata {
	return ModelMetadata{Name: name, Versions: []string{version}, Platform: Platform,
		Inputs: []TensorMetadata{
			{FeaturesTensor, FP32, []int{-1, layout.Width()}, map[string]any{"columns": strings.Join(layout.Features(), ",")}},
			{vectors.HorizonColumn, FP64, []int{-1}, nil},
		},
		Outputs: []TensorMetadata{
			{vectors.OnTimeColumn, FP64, []int{-1}, map[string]any{"given": "runs"}},
			{vectors.CancelledColumn, FP64, []int{-1}, nil},
			{CumulativeTensor, FP64, []int{-1, len(edges)}, map[string]any{"edges_minutes": joined(edges)}},
			{QuantilesTensor, Int32, []int{-1, len(Levels())}, map[string]any{"levels": levelsText(), "open_from_minutes": openFrom(edges)}},
		}}
}
