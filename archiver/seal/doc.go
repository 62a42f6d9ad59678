// Package seal is the writing half of sealing: it cuts nothing and decides
// nothing, it turns records already cut into pieces into segments and key boxes
// that the host which made them cannot open again. FORMAT.md draws every byte.
//
// Two halves open a cell: an age identity, which the ingest host does not have,
// and the row of the person, which lies in a key box apart from the segment. So
// a person can be erased from write-once storage by removing rows, and a stolen
// box alone opens nothing.
//
// The archiver may import this package and never unseal. What both halves must
// agree on (constants, the encoding of rows, key and headers) is exported here.
package seal
