package forest

// addTree adds the leaf of one perfect tree to acc, margins of 64 rows. nodes
// (2^depth, numbered from 1) names the mask of each split; leaves is a window
// that begins with those of the tree.
func (b *block) addTree(acc *[blockRows]float32, nodes []uint32, leaves *[window]float32) {
	masks := b.masks
	var right [MaxDepth]uint64 // right[level]: rows that went right at that level
	right[0] = masks[nodes[1]]
	depth := 1
	for width := 2; width < len(nodes); width *= 2 {
		right[depth] = b.choose(nodes[width:2*width], right[:depth])
		depth++
	}
	var bits [8]uint64 // the last level is the lowest bit of the leaf index
	for level := range depth {
		bits[(depth-1-level)&7] = right[level&7]
	}
	transpose(&bits)
	addLeaves(acc, &bits, leaves)
}

// choose gives for each row the bit of the split of this level that the row has
// come to: at the root the level is halved by the mask of the rows that went
// right there, and so on down.
func (b *block) choose(level []uint32, right []uint64) uint64 {
	held, masks := &b.held, b.masks
	half := len(level) / 2
	low, high, went := level[:half], level[half:], right[0]
	for i := 0; i < len(low) && i < len(high) && i < len(held); i++ {
		a := masks[low[i]]
		held[i] = a ^ went&(a^masks[high[i]])
	}
	for _, went := range right[1:] {
		half /= 2
		low, high := held[:half], held[half:]
		for i := 0; i < len(low) && i < len(high); i++ {
			low[i] ^= went & (low[i] ^ high[i])
		}
	}
	return held[0]
}

// transpose turns eight bit planes over 64 rows into 64 bytes: byte b of word k
// then holds the bits of row 8b+k, those of plane 0 lowest. It transposes the 8
// x 8 bits in each of eight columns of bytes by halves (H. S. Warren, Hacker's
// Delight, section 7-3).
func transpose(w *[8]uint64) {
	for k := range 4 {
		w[k], w[k+4] = swapBits(w[k], w[k+4], 4, 0x0F0F0F0F0F0F0F0F)
	}
	for _, k := range [4]int{0, 1, 4, 5} {
		w[k], w[k+2] = swapBits(w[k], w[k+2], 2, 0x3333333333333333)
	}
	for _, k := range [4]int{0, 2, 4, 6} {
		w[k], w[k+1] = swapBits(w[k], w[k+1], 1, 0x5555555555555555)
	}
}

// swapBits swaps the bits of a that lie shift above the mask with those of b
// under the mask.
func swapBits(a, b uint64, shift int, mask uint64) (uint64, uint64) {
	t := (a>>shift ^ b) & mask
	return a ^ t<<shift, b ^ t
}

// addLeaves adds to each row the leaf whose index lies in its byte of index.
func addLeaves(acc *[blockRows]float32, index *[8]uint64, leaves *[window]float32) {
	for k, w := range index {
		acc[k] += leaves[uint8(w)]
		acc[k+8] += leaves[uint8(w>>8)]
		acc[k+16] += leaves[uint8(w>>16)]
		acc[k+24] += leaves[uint8(w>>24)]
		acc[k+32] += leaves[uint8(w>>32)]
		acc[k+40] += leaves[uint8(w>>40)]
		acc[k+48] += leaves[uint8(w>>48)]
		acc[k+56] += leaves[uint8(w>>56)]
	}
}
