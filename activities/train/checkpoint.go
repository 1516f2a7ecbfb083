package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"puenktlich/activities/failure"
	"puenktlich/internal/learn"
	"puenktlich/internal/learn/xgb"
	"puenktlich/schemas"
)

// checkpointFormat names the layout of a manifest.
const checkpointFormat = "puenktlich-checkpoint/1"

// checkpoints keep the trainings of one run below
// runs/<run>/checkpoints/<input>/<training>/. After each segment the model is
// written first, under its hash, and then the manifest <segment>.json, which
// makes it whole: what was cut off before is never looked at. A manifest is
// written once; the model of the segment before is then removed.
type checkpoints struct {
	objects       Objects
	notFound      error
	corrupt       error
	run           string
	input         string // hash of data, library and days
	segmentRounds int
}

// manifest is a whole checkpoint.
type manifest struct {
	Format    string            `json:"format"`
	Input     string            `json:"input"` // hash of what the training was given
	Training  string            `json:"training"`
	Rounds    int               `json:"rounds"`
	Model     schemas.ObjectRef `json:"model"` // XGBoost JSON
	TrainLoss []float64         `json:"train_log_loss"`
	EvalLoss  []float64         `json:"valid_log_loss,omitempty"`
}

// inputHash is over everything outside the settings that determines a state.
func inputHash(data schemas.DatasetRef, days schemas.DayRange, library *xgb.Library) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\nxgboost %s\n%d threads\n", checkpointFormat, data.Manifest.SHA256, days, library.Version(), learn.Threads))
	return hex.EncodeToString(sum[:])
}

func (c checkpoints) prefix(training string) string {
	return fmt.Sprintf("runs/%s/checkpoints/%s/%s", c.run, c.input[:12], training)
}

func (c checkpoints) key(training string, segment int) string {
	return fmt.Sprintf("%s/%04d.json", c.prefix(training), segment)
}

// Latest reads manifests in order until one is missing, and the last one's
// model.
func (c checkpoints) Latest(ctx context.Context, training string, rounds int) (*xgb.State, error) {
	var last *manifest
	for segment := 1; segment*c.segmentRounds <= rounds; segment++ {
		found, err := c.read(ctx, training, segment)
		if err != nil {
			return nil, err
		}
		if found == nil {
			break
		}
		last = found
	}
	if last == nil {
		return nil, nil
	}
	model, err := c.objects.GetContent(ctx, last.Model)
	if err != nil {
		return nil, c.trouble(c.key(training, last.Rounds/c.segmentRounds), err)
	}
	return &xgb.State{Model: model, TrainLoss: last.TrainLoss, EvalLoss: last.EvalLoss}, nil
}

// read answers nil where there is no manifest.
func (c checkpoints) read(ctx context.Context, training string, segment int) (*manifest, error) {
	key := c.key(training, segment)
	body, _, err := c.objects.Get(ctx, key)
	if errors.Is(err, c.notFound) {
		return nil, nil
	}
	if err != nil {
		return nil, c.trouble(key, err)
	}
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, c.broken(key, err)
	}
	if m.Format != checkpointFormat || m.Input != c.input || m.Training != training || m.Rounds != segment*c.segmentRounds {
		return nil, c.broken(key, fmt.Errorf("it is of format %q, input %.12s, training %s, %d rounds: want %q, %.12s, %s, %d",
			m.Format, m.Input, m.Training, m.Rounds, checkpointFormat, c.input, training, segment*c.segmentRounds))
	}
	if len(m.TrainLoss) != m.Rounds || m.EvalLoss != nil && len(m.EvalLoss) != m.Rounds {
		return nil, c.broken(key, fmt.Errorf("it has %d and %d losses for %d rounds", len(m.TrainLoss), len(m.EvalLoss), m.Rounds))
	}
	return &m, nil
}

// Save writes the model and then its manifest.
func (c checkpoints) Save(ctx context.Context, training string, state xgb.State) error {
	segment := state.Rounds() / c.segmentRounds
	key := c.key(training, segment)
	model, err := c.objects.PutContent(ctx, c.prefix(training)+"/", ".model.json", state.Model)
	if err != nil {
		return c.trouble(key, err)
	}
	body, err := json.Marshal(manifest{Format: checkpointFormat, Input: c.input, Training: training, Rounds: state.Rounds(),
		Model: model, TrainLoss: state.TrainLoss, EvalLoss: state.EvalLoss})
	if err != nil {
		return c.broken(key, err)
	}
	if err := c.seal(ctx, key, body); err != nil || segment == 1 {
		return err
	}
	return c.drop(ctx, training, segment-1, model.Key)
}

// seal writes a manifest that is not there yet. One that is there, by an
// earlier attempt, has to be the same.
func (c checkpoints) seal(ctx context.Context, key string, body []byte) error {
	written := c.objects.PutIfAbsent(ctx, key, body)
	if written == nil {
		return nil
	}
	present, _, err := c.objects.Get(ctx, key)
	switch {
	case err != nil:
		return c.trouble(key, written)
	case !bytes.Equal(present, body):
		return c.broken(key, errors.New("another training of the same input wrote another state"))
	}
	return nil
}

// drop removes the model of an earlier segment, which the newer one replaces.
func (c checkpoints) drop(ctx context.Context, training string, segment int, but string) error {
	earlier, err := c.read(ctx, training, segment)
	if err != nil || earlier == nil || earlier.Model.Key == but {
		return err
	}
	if err := c.objects.Delete(ctx, earlier.Model.Key); err != nil {
		return c.trouble(earlier.Model.Key, err)
	}
	return nil
}

// trouble is with the object store, where trying again may help, unless the
// content itself is corrupt.
func (c checkpoints) trouble(key string, err error) error {
	if errors.Is(err, c.corrupt) {
		return c.broken(key, err)
	}
	return &learn.StorageError{Err: fmt.Errorf("checkpoint %s: %w", key, err)}
}

// broken is a checkpoint that no retry mends.
func (c checkpoints) broken(key string, err error) error {
	return failure.Integrity(err, "checkpoint %s is not one of this training: remove it to train from the one before", key)
}
