package serving

import "context"

// Sentence puts a reason into words.
var Sentence = sentence

// Step lets a test look when it wants to.
func (p *Panel) Step(ctx context.Context) error { return p.step(ctx) }

// Save keeps where the panel is.
func (p *Panel) Save() { p.save() }
