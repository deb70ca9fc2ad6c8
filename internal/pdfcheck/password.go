package pdfcheck

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" //nolint:gosec // the standard's, for what is encrypted that way
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"slices"
)

// Sizes in bytes of keys before revision 5.
const (
	smallKey = 5
	fullKey  = 16
)

// longest is how many bytes of a password count from revision 5 on.
const longest = 127

// padding fills up passwords before revision 5.
const padding = "\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A"

// encodings gives the bytes that the password may stand for: UTF-8 and, before
// revision 5, Latin-1, which is PDFDocEncoding but for some rare characters.
func (s *scheme) encodings(password string) []string {
	if s.revision >= 5 {
		return []string{password[:min(longest, len(password))]}
	}
	if printableASCII(password) {
		return []string{password}
	}
	latin := make([]byte, 0, len(password))
	for _, r := range password {
		if r > 0xff {
			return []string{password}
		}
		latin = append(latin, byte(r)) //nolint:gosec // checked above
	}
	return []string{string(latin), password}
}

// user says whether the user password is that: algorithms 6 and 11 of
// ISO 32000-2.
func (s *scheme) user(password string) bool {
	if s.revision >= 5 {
		return bytes.Equal(s.u[:32], s.hash([]byte(password), s.u[32:40], nil))
	}
	for _, size := range s.keySizes {
		if s.legacyUser(padded(password), size) {
			return true
		}
	}
	return false
}

// owner says whether the owner password is that: algorithms 7 and 12.
func (s *scheme) owner(password string) bool {
	if s.revision >= 5 {
		return bytes.Equal(s.o[:32], s.hash([]byte(password), s.o[32:40], s.u))
	}
	for _, size := range s.keySizes {
		if s.legacyUser(s.legacyOwner(password, size), size) {
			return true
		}
	}
	return false
}

func padded(password string) []byte { return []byte((password + padding)[:len(padding)]) }

// legacyUser checks the padded user password (algorithms 2, 4 and 5), taking
// the metadata for encrypted or not, whichever fits.
func (s *scheme) legacyUser(password []byte, size int) bool {
	seed := slices.Concat(password, s.o, binary.LittleEndian.AppendUint32(nil, s.permissions), s.id)
	if s.legacyKeyFits(seed, size) {
		return true
	}
	return s.revision == 4 && s.legacyKeyFits(append(seed, 0xff, 0xff, 0xff, 0xff), size)
}

func (s *scheme) legacyKeyFits(seed []byte, size int) bool {
	sum := md5.Sum(seed) //nolint:gosec // see the import
	if s.revision == 2 {
		u := []byte(padding)
		encipher(sum[:size], 0, u)
		return bytes.Equal(u, s.u)
	}
	for range 50 {
		sum = md5.Sum(sum[:size]) //nolint:gosec // see the import
	}
	check := md5.Sum(append([]byte(padding), s.id...)) //nolint:gosec // see the import
	for round := range byte(20) {
		encipher(sum[:size], round, check[:])
	}
	return bytes.Equal(check[:], s.u[:len(check)]) // the rest of /U is arbitrary
}

// legacyOwner gives the padded user password that the owner password hides, if
// it is that.
func (s *scheme) legacyOwner(password string, size int) []byte {
	sum := md5.Sum(padded(password)) //nolint:gosec // see the import
	user := bytes.Clone(s.o)
	if s.revision == 2 {
		encipher(sum[:size], 0, user)
		return user
	}
	for range 50 {
		sum = md5.Sum(sum[:]) //nolint:gosec // see the import
	}
	for round := range byte(20) {
		encipher(sum[:size], 19-round, user)
	}
	return user
}

// encipher applies RC4 to data in place; each round's key is the key XORed with
// the round's number. It is not crypto/rc4, whose state is a kilobyte of the heap for
// each of the hundred keys that a password takes.
func encipher(key []byte, round byte, data []byte) {
	var state [256]byte
	for i := range state {
		state[i] = byte(i)
	}
	var j byte
	for i := range state {
		j += state[i] + (key[i%len(key)] ^ round)
		state[i], state[j] = state[j], state[i]
	}
	var i byte
	j = 0
	for at := range data {
		i++
		j += state[i]
		state[i], state[j] = state[j], state[i]
		data[at] ^= state[state[i]+state[j]]
	}
}

// hash is the hash of revision 5, and of revision 6 (algorithm 2.B): there, 64
// rounds or more of hashing what AES-128 makes of 64 copies of password, last
// hash and, for the owner password, /U.
func (s *scheme) hash(password, salt, u []byte) []byte {
	first := sha256.Sum256(slices.Concat(password, salt, u))
	key := first[:]
	if s.revision == 5 {
		return key
	}
	const copies = 64
	work := make([]byte, 0, copies*(len(password)+sha512.Size+len(u)))
	for round := 1; ; round++ {
		work = append(append(append(work[:0], password...), key...), u...)
		one := len(work)
		work = work[:copies*one]
		for done := one; done < len(work); done *= 2 {
			copy(work[done:], work[:done])
		}
		block, err := aes.NewCipher(key[:16])
		if err != nil {
			panic(err) // the key has 16 bytes
		}
		cipher.NewCBCEncrypter(block, key[16:32]).CryptBlocks(work, work)

		remainder := 0 // of the first 16 bytes as a number; 256 is 1 modulo 3
		for _, b := range work[:16] {
			remainder += int(b)
		}
		switch remainder % 3 {
		case 0:
			sum := sha256.Sum256(work)
			key = sum[:]
		case 1:
			sum := sha512.Sum384(work)
			key = sum[:]
		default:
			sum := sha512.Sum512(work)
			key = sum[:]
		}
		// Ends by round 287 at the latest, since a byte is at most 255.
		if round >= 64 && int(work[len(work)-1]) <= round-32 {
			return key[:32]
		}
	}
}
