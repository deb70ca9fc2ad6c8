package samples

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"slices"
)

// allowAll is the /P entry that permits printing, copying and the rest: all
// bits set but the two lowest, which must be clear.
const allowAll int32 = -4

// encryption encrypts the strings and streams of one PDF with AES-256 (V5, R6,
// AESV3). Keys, salts and initialization vectors come from a secret derived
// from the sample and not from a random source, since a sample's bytes must
// not change from run to run. That would be wrong for anything confidential.
type encryption struct {
	block cipher.Block // the file key
	noise cipher.Block // makes salts and vectors, by counting
	count uint64

	owner, ownerKey, user, userKey, perms []byte // entries of the encryption dictionary
}

// newEncryption prepares a PDF that opens with the user password.
func newEncryption(secret [32]byte, password string) (*encryption, error) {
	noise, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, fmt.Errorf("prepare noise: %w", err)
	}
	e := &encryption{noise: noise}
	fileKey := slices.Concat(e.vector(), e.vector())
	if e.block, err = aes.NewCipher(fileKey); err != nil {
		return nil, fmt.Errorf("prepare file key: %w", err)
	}
	if e.user, e.userKey, err = e.wrap([]byte(password), fileKey); err != nil {
		return nil, err
	}
	// The entries of an owner password that nobody knows look like noise, so
	// they may as well be noise: making real ones costs more than all the rest
	// of a small PDF.
	e.owner = slices.Concat(e.vector(), e.vector(), e.vector())
	e.ownerKey = slices.Concat(e.vector(), e.vector())
	e.perms = e.permissions()
	return e, nil
}

// vector gives the next 16 bytes of noise.
func (e *encryption) vector() []byte {
	v := make([]byte, aes.BlockSize)
	binary.BigEndian.PutUint64(v, e.count)
	e.count++
	e.noise.Encrypt(v, v)
	return v
}

// wrap makes the two entries by which the user password is checked and gives
// the file key: hash, validation salt and key salt (/U); the wrapped key (/UE).
func (e *encryption) wrap(password, fileKey []byte) (check, wrapped []byte, err error) {
	salts := e.vector()
	validation, key := salts[:8], salts[8:]
	hash, err := hardenedHash(password, validation)
	if err != nil {
		return nil, nil, err
	}
	check = append(append(hash, validation...), key...)
	intermediate, err := hardenedHash(password, key)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(intermediate)
	if err != nil {
		return nil, nil, fmt.Errorf("wrap file key: %w", err)
	}
	wrapped = make([]byte, len(fileKey))
	var zero [aes.BlockSize]byte // the standard asks for a vector of zeros here
	cipher.NewCBCEncrypter(block, zero[:]).CryptBlocks(wrapped, fileKey)
	return check, wrapped, nil
}

// permissions makes the /Perms entry.
func (e *encryption) permissions() []byte {
	p := e.vector() // the last four bytes are arbitrary
	allowed := allowAll
	binary.LittleEndian.PutUint32(p, uint32(allowed)) //nolint:gosec // the bit pattern is meant
	copy(p[4:], []byte{0xff, 0xff, 0xff, 0xff, 'T', 'a', 'd', 'b'})
	e.block.Encrypt(p, p)
	return p
}

// seal appends the encrypted form of data to dst: the vector, then the padded
// data in CBC mode.
func (e *encryption) seal(dst, data []byte) []byte {
	vector := e.vector()
	dst = append(dst, vector...)
	start := len(dst)
	dst = append(dst, data...)
	padding := aes.BlockSize - len(data)%aes.BlockSize
	for range padding {
		dst = append(dst, byte(padding))
	}
	cipher.NewCBCEncrypter(e.block, vector).CryptBlocks(dst[start:], dst[start:])
	return dst
}

// sealedSize is the size of what seal appends for n bytes.
func sealedSize(n int) int { return aes.BlockSize + n + aes.BlockSize - n%aes.BlockSize }

// hardenedHash is algorithm 2.B of ISO 32000-2 for a user password: 64 rounds
// or more of hashing what AES-128 makes of 64 copies of password and last hash.
func hardenedHash(password, salt []byte) ([]byte, error) {
	first := sha256.New()
	first.Write(password)
	first.Write(salt)
	key := first.Sum(nil)

	const copies = 64
	work := make([]byte, 0, copies*(len(password)+sha512.Size))
	for round := 1; ; round++ {
		work = append(append(work[:0], password...), key...)
		// Filling by doubling: copy never reads past what is written.
		one := len(work)
		work = work[:copies*one]
		for done := one; done < len(work); done *= 2 {
			copy(work[done:], work[:done])
		}
		block, err := aes.NewCipher(key[:16])
		if err != nil {
			return nil, fmt.Errorf("hash password: %w", err)
		}
		cipher.NewCBCEncrypter(block, key[16:32]).CryptBlocks(work, work)

		remainder := 0 // of the first 16 bytes as a number; 256 is 1 modulo 3
		for _, b := range work[:16] {
			remainder += int(b)
		}
		switch remainder % 3 {
		case 0:
			sum := sha256.Sum256(work)
			key = append(key[:0], sum[:]...)
		case 1:
			sum := sha512.Sum384(work)
			key = append(key[:0], sum[:]...)
		default:
			sum := sha512.Sum512(work)
			key = append(key[:0], sum[:]...)
		}
		if round >= 64 && int(work[len(work)-1]) <= round-32 {
			return key[:32], nil
		}
	}
}
