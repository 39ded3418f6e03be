/* The only file of tools/ that includes OpenSSL. */
#include "banned.h"

#include "ssh/sshpair.h"

#include <awsq/err.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#define NUMBER_MAX 2048 /* bytes of the largest number: an RSA key of 16384 bits */

struct kind {
	const char *type;      /* of the key, as SSH names it */
	const char *algorithm; /* of its signatures */
	const char *family;    /* as OpenSSL names it */
	const char *group;     /* the curve, as OpenSSL names it */
	const char *curve;     /* the curve, as SSH names it */
	const char *digest;    /* NULL: the algorithm brings its own */
};

static const struct kind kinds[] = {
	{ "ssh-rsa", "rsa-sha2-512", "RSA", NULL, NULL, "SHA512" },
	{ "ssh-ed25519", "ssh-ed25519", "ED25519", NULL, NULL, NULL },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "EC", "prime256v1", "nistp256", "SHA256" },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", "EC", "secp384r1", "nistp384", "SHA384" },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", "EC", "secp521r1", "nistp521", "SHA512" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct sshpair {
	const struct kind *kind;
	EVP_PKEY *pkey;
};

static int add_number(struct awsq_buf *out, const BIGNUM *n)
{
	uint8_t bytes[NUMBER_MAX];

	if (!n || BN_num_bytes(n) > NUMBER_MAX)
		return AWSQ_EINVAL;
	sshwire_add_mpint(out, bytes, (size_t)BN_bn2bin(n, bytes));
	return awsq_buf_error(out);
}

/* ---- Signing */

static int digest_sign(uint8_t *signature, size_t *size, const struct sshpair *pair,
	const void *data, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	ok = ctx &&
	     EVP_DigestSignInit_ex(ctx, NULL, pair->kind->digest, NULL, NULL, pair->pkey, NULL) &&
	     EVP_DigestSign(ctx, signature, size, data, len);
	EVP_MD_CTX_free(ctx);
	return ok;
}

static int halves_fit(const struct sshpair *pair)
{
	static const char text[] = "text";
	uint8_t signature[NUMBER_MAX];
	size_t size = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	ok = ctx && digest_sign(signature, &size, pair, text, sizeof(text)) &&
	     EVP_DigestVerifyInit_ex(ctx, NULL, pair->kind->digest, NULL, NULL, pair->pkey, NULL) &&
	     EVP_DigestVerify(ctx, signature, size, (const uint8_t *)text, sizeof(text)) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* From OpenSSL's form of an ECDSA signature to SSH's (RFC 5656, section 3.1.2). */
static int add_ecdsa(struct awsq_buf *out, const uint8_t *der, size_t len)
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
	int rc = AWSQ_ENOMEM;

	if (signature)
		rc = add_number(out, ECDSA_SIG_get0_r(signature));
	if (rc == 0)
		rc = add_number(out, ECDSA_SIG_get0_s(signature));
	ECDSA_SIG_free(signature);
	return rc;
}

int sshpair_sign(struct awsq_buf *out, const struct sshpair *pair, const void *data, size_t len)
{
	uint8_t signature[NUMBER_MAX];
	size_t size = sizeof(signature);

	if (!digest_sign(signature, &size, pair, data, len)) {
		ERR_clear_error();
		return AWSQ_ENOMEM;
	}
	if (pair->kind->curve)
		return add_ecdsa(out, signature, size);
	awsq_buf_add(out, signature, size);
	return awsq_buf_error(out);
}

/* ---- OpenSSH's fields (openssh/PROTOCOL.key) into an OpenSSL key */

/* Secure numbers, since only those are wiped in the copies OpenSSL makes of them. */
static BIGNUM *secret_number(const struct sshwire *bytes)
{
	BIGNUM *n = NULL;

	if (bytes->len <= NUMBER_MAX)
		n = BN_secure_new();
	if (n && !BN_bin2bn(bytes->data, (int)bytes->len, n)) {
		BN_clear_free(n);
		n = NULL;
	}
	return n;
}

static EVP_PKEY *build_key(const char *family, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, family, NULL);
	EVP_PKEY *pkey = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

/* n = d mod (p - 1): what OpenSSH's format leaves out. */
static BIGNUM *exponent(const BIGNUM *d, const BIGNUM *p)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *n = BN_secure_new();
	BIGNUM *p1 = BN_secure_new();
	int ok = 0;

	if (ctx && n && p1 && BN_copy(p1, p) && BN_sub_word(p1, 1)) {
		BN_set_flags(p1, BN_FLG_CONSTTIME);
		ok = BN_mod(n, d, p1, ctx);
	}
	BN_clear_free(p1);
	BN_CTX_free(ctx);
	if (ok)
		return n;
	BN_clear_free(n);
	return NULL;
}

static EVP_PKEY *read_rsa(struct sshwire *w)
{
	static const char *const names[8] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
		OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2 };
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *number[8] = { NULL };
	EVP_PKEY *pkey = NULL;
	struct sshwire field;

	for (int i = 0; i < 6; i++) {
		if (sshwire_get_string(&field, w) != 0)
			goto out;
		number[i] = secret_number(&field);
		if (!number[i] || BN_is_zero(number[i]))
			goto out;
	}
	number[6] = exponent(number[2], number[4]);
	number[7] = exponent(number[2], number[5]);
	for (int i = 0; i < 8; i++) {
		if (!build || !number[i] || !OSSL_PARAM_BLD_push_BN(build, names[i], number[i]))
			goto out;
	}
	pkey = build_key("RSA", build);
out:
	for (int i = 0; i < 8; i++)
		BN_clear_free(number[i]);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *read_ecdsa(struct sshwire *w, const struct kind *kind)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	struct sshwire curve, point, secret;
	BIGNUM *d = NULL;
	EVP_PKEY *pkey = NULL;

	if (sshwire_get_string(&curve, w) != 0 || sshwire_get_string(&point, w) != 0 ||
		sshwire_get_string(&secret, w) != 0 || !sshwire_equals(&curve, kind->curve))
		goto out;
	d = secret_number(&secret);
	if (build && d &&
		OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, kind->group,
			0) &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data,
			point.len) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d))
		pkey = build_key("EC", build);
out:
	BN_clear_free(d);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *read_ed25519(struct sshwire *w)
{
	struct sshwire point, secret; /* the secret is the seed, then the point again */

	if (sshwire_get_string(&point, w) != 0 || sshwire_get_string(&secret, w) != 0 ||
		point.len != 32 || secret.len != 64 ||
		memcmp(secret.data + 32, point.data, 32) != 0)
		return NULL;
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret.data, 32);
}

static const struct kind *find_kind(struct sshwire *w)
{
	struct sshwire type;

	if (sshwire_get_string(&type, w) != 0)
		return NULL;
	for (size_t i = 0; i < KINDS; i++) {
		if (sshwire_equals(&type, kinds[i].type))
			return &kinds[i];
	}
	return NULL;
}

/* Takes pkey over. A pair whose halves do not belong together would only be refused by servers. */
static int make_pair(struct sshpair **out, const struct kind *kind, EVP_PKEY *pkey)
{
	struct sshpair *pair = calloc(1, sizeof(*pair));

	if (!pair) {
		EVP_PKEY_free(pkey);
		return AWSQ_ENOMEM;
	}
	pair->kind = kind;
	pair->pkey = pkey;
	if (!halves_fit(pair)) {
		sshpair_free(pair);
		return AWSQ_EPARSE;
	}
	*out = pair;
	return 0;
}

int sshpair_read_fields(struct sshpair **out, struct sshwire *w)
{
	const struct kind *kind = find_kind(w);
	EVP_PKEY *pkey;

	if (!kind)
		return AWSQ_EINVAL;
	if (kind->curve)
		pkey = read_ecdsa(w, kind);
	else
		pkey = kind->digest ? read_rsa(w) : read_ed25519(w);
	return pkey ? make_pair(out, kind, pkey) : AWSQ_EPARSE;
}

/* ---- PEM */

/* Called only when a passphrase is needed: there is none. */
static int on_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(int *)asked = 1;
	return -1;
}

int sshpair_read_pem(struct sshpair **out, const char *text, size_t len)
{
	BIO *in = BIO_new_mem_buf(text, (int)len);
	char group[32] = "";
	EVP_PKEY *pkey = NULL;
	size_t group_len;
	int asked = 0;

	if (!in)
		return AWSQ_ENOMEM;
	pkey = PEM_read_bio_PrivateKey(in, NULL, on_passphrase, &asked);
	BIO_free(in);
	ERR_clear_error();
	if (!pkey)
		return asked ? AWSQ_ECREDENTIALS : AWSQ_EPARSE;
	(void)EVP_PKEY_get_group_name(pkey, group, sizeof(group), &group_len);
	for (size_t i = 0; i < KINDS; i++) {
		if (EVP_PKEY_is_a(pkey, kinds[i].family) &&
			(!kinds[i].group || strcmp(group, kinds[i].group) == 0))
			return make_pair(out, &kinds[i], pkey);
	}
	EVP_PKEY_free(pkey);
	return AWSQ_EINVAL;
}

void sshpair_free(struct sshpair *pair)
{
	if (!pair)
		return;
	EVP_PKEY_free(pair->pkey);
	free(pair);
}

/* ---- The public half */

static int add_rsa(struct awsq_buf *blob, const EVP_PKEY *pkey)
{
	BIGNUM *n = NULL, *e = NULL;
	int rc = AWSQ_EINVAL;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n))
		rc = add_number(blob, e);
	if (rc == 0)
		rc = add_number(blob, n);
	BN_free(n);
	BN_free(e);
	return rc;
}

static int add_point(struct awsq_buf *blob, const struct kind *kind, EVP_PKEY *pkey)
{
	uint8_t point[256];
	size_t len = sizeof(point);

	if (kind->curve) {
		sshwire_add_string(blob, kind->curve, strlen(kind->curve));
		/* SSH has no compressed points, though the file may. */
		if (!EVP_PKEY_set_utf8_string_param(pkey,
			    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") ||
			!EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
				sizeof(point), &len))
			return AWSQ_EINVAL;
	} else if (!EVP_PKEY_get_raw_public_key(pkey, point, &len)) {
		return AWSQ_EINVAL;
	}
	sshwire_add_string(blob, point, len);
	return awsq_buf_error(blob);
}

int sshpair_blob(struct awsq_buf *blob, const struct sshpair *pair)
{
	const struct kind *kind = pair->kind;

	sshwire_add_string(blob, kind->type, strlen(kind->type));
	if (strcmp(kind->family, "RSA") == 0)
		return add_rsa(blob, pair->pkey);
	return add_point(blob, kind, pair->pkey);
}

/* Strings that follow the type: for RSA e and n, else the point, for ECDSA after its curve. */
static int has_parts(const struct kind *kind, struct sshwire w)
{
	struct sshwire part;

	if (sshwire_get_string(&part, &w) != 0 || part.len == 0)
		return 0;
	if (kind->curve && !sshwire_equals(&part, kind->curve))
		return 0;
	if (kind->digest)
		return sshwire_get_string(&part, &w) == 0 && part.len > 0 && w.len == 0;
	return part.len == 32 && w.len == 0;
}

int sshpair_describe(const char **type, const char **algorithm, const struct awsq_buf *blob)
{
	struct sshwire w = { (const uint8_t *)awsq_buf_str(blob), blob->len };
	const struct kind *kind = find_kind(&w);

	if (!kind)
		return AWSQ_EINVAL;
	if (!has_parts(kind, w))
		return AWSQ_EPARSE;
	*type = kind->type;
	*algorithm = kind->algorithm;
	return 0;
}
