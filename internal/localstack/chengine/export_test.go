package chengine

// CheckFree is tested without a full disk.
var CheckFree = checkFree
