#include "banned.h"

#include "ssh/sshwire.h"

#include <awsq/err.h>

#include <string.h>

int sshwire_get_u32(uint32_t *out, struct sshwire *w)
{
	if (w->len < 4)
		return AWSQ_EPARSE;
	*out = (uint32_t)w->data[0] << 24 | (uint32_t)w->data[1] << 16 | (uint32_t)w->data[2] << 8 |
	       (uint32_t)w->data[3];
	w->data += 4;
	w->len -= 4;
	return 0;
}

int sshwire_get_string(struct sshwire *out, struct sshwire *w)
{
	struct sshwire rest = *w;
	uint32_t len;

	if (sshwire_get_u32(&len, &rest) != 0 || len > rest.len)
		return AWSQ_EPARSE;
	out->data = rest.data;
	out->len = len;
	w->data = rest.data + len;
	w->len = rest.len - len;
	return 0;
}

int sshwire_equals(const struct sshwire *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->data, text, s->len) == 0;
}

void sshwire_add_u32(struct awsq_buf *out, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value };

	awsq_buf_add(out, bytes, sizeof(bytes));
}

void sshwire_add_string(struct awsq_buf *out, const void *data, size_t len)
{
	sshwire_add_u32(out, (uint32_t)len);
	awsq_buf_add(out, data, len);
}

void sshwire_add_mpint(struct awsq_buf *out, const uint8_t *number, size_t len)
{
	int high;

	while (len > 0 && *number == 0) {
		number++;
		len--;
	}
	/* A set top bit would make it negative. */
	high = len > 0 && (*number & 0x80);
	sshwire_add_u32(out, (uint32_t)len + (uint32_t)high);
	if (high)
		awsq_buf_addc(out, '\0');
	awsq_buf_add(out, number, len);
}
