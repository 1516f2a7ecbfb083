// Package workflows is the deterministic orchestration, one file a workflow.
//
// A workflow decides and passes references; activities do. Every workflow takes
// one input struct whose zero value means something, so that an operator can
// start any of them with {} in the Temporal UI, and ends with one result struct
// or one readable sentence.
package workflows
