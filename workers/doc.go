// Package workers is the pools, one file each: the queue, how many slots and
// why, what is registered. Any process may run any of them.
package workers
