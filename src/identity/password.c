/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/util.h"
#include "identity/fair.h"
#include "identity/token.h"

#define PARALLEL_MAX 2
#define WAITING_MAX 256
#define PREFIX "$y$"   /* yescrypt, at libxcrypt's default cost */
#define MAC_LEN 32
#define REMEMBER_MS (3600 * 1000)
#define REMEMBER_MAX 1024

struct job {
	char *password, *setting; /* setting: the hash to compare with, or a new salt */
	bool check, hopeless;
	char *hash;
	bool no_memory;
	password_wanted_f *wanted;
	password_done_f *done;
	void *user;
};

/* On the loop thread alone. */
static unsigned running;
static struct fair *waiting;

static void job_free(struct job *j)
{
	OPENSSL_cleanse(j->password, strlen(j->password));
	g_free(j->password);
	g_free(j->setting);
	g_free(j->hash);
	g_free(j);
}

/* ---- what was right before ---- */

struct memory {
	uint8_t mac[MAC_LEN];
	int64_t until_ms;
};

static GHashTable *remembered; /* hash -> struct memory * */
static uint8_t memory_key[MAC_LEN];

/* The hash stands in it too: with another one, the password is not known any more. */
static bool mac_of(const char *password, const char *hash, uint8_t ret[static MAC_LEN])
{
	g_autofree char *text = g_strconcat(hash, "\n", password, NULL);
	unsigned len = 0;
	bool ok = HMAC(EVP_sha256(), memory_key, sizeof memory_key, (const uint8_t *)text, strlen(text), ret, &len) && len == MAC_LEN;

	OPENSSL_cleanse(text, strlen(text));
	return ok;
}

static void remember(const char *password, const char *hash)
{
	struct memory *m = g_new0(struct memory, 1);

	if (!remembered) {
		remembered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		token_random(memory_key, sizeof memory_key);
	}
	if (g_hash_table_size(remembered) >= REMEMBER_MAX)
		g_hash_table_remove_all(remembered);
	m->until_ms = clock_now_ms() + REMEMBER_MS;
	if (mac_of(password, hash, m->mac))
		g_hash_table_replace(remembered, g_strdup(hash), m);
	else
		g_free(m);
}

static bool is_remembered(const char *password, const char *hash)
{
	const struct memory *m = remembered && hash ? g_hash_table_lookup(remembered, hash) : NULL;
	uint8_t mac[MAC_LEN];

	return m && clock_now_ms() < m->until_ms && mac_of(password, hash, mac) && CRYPTO_memcmp(mac, m->mac, sizeof mac) == 0;
}

/* ---- hashing ---- */

static char *new_salt(void)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], seed[16];

	token_random(seed, sizeof seed);
	g_assert(crypt_gensalt_rn(PREFIX, 0, seed, sizeof seed, salt, sizeof salt));
	return g_strdup(salt);
}

/* libxcrypt says EINVAL for either: what it could have hashed was refused for want of memory. */
static bool is_sound(const char *password, const char *setting)
{
	return strlen(password) < CRYPT_MAX_PASSPHRASE_SIZE && crypt_checksalt(setting) != CRYPT_SALT_INVALID;
}

/* Return: the hash, or NULL: libxcrypt does not understand the setting, or there is not enough memory. */
static char *hash_by(const char *password, const char *setting, bool *ret_no_memory)
{
	g_autofree struct crypt_data *data = g_try_new0(struct crypt_data, 1);
	const char *hash = data ? crypt_r(password, setting, data) : NULL;
	char *copy = hash && hash[0] != '*' ? g_strdup(hash) : NULL;

	*ret_no_memory = !copy && is_sound(password, setting);
	if (data)
		OPENSSL_cleanse(data, sizeof *data);
	return copy;
}

static void fail_memory(GError **err)
{
	g_set_error(err, ERR, ERR_UNAVAILABLE, "There is not enough memory for a password's hash; try again.");
}

char *password_hash_now(const char *password, GError **err)
{
	g_autofree char *salt = new_salt();
	bool no_memory;
	char *hash = hash_by(password, salt, &no_memory);

	if (!hash)
		fail_memory(err);
	return hash;
}

/* On a worker. */
static void work(void *user)
{
	struct job *j = user;

	j->hash = hash_by(j->password, j->setting, &j->no_memory);
}

/* ---- the queue ---- */

static void start(struct job *j);

/* What is no longer wanted costs nothing. */
static void start_next(void)
{
	struct job *j;

	while (running < PARALLEL_MAX && (j = waiting ? fair_pop(waiting) : NULL)) {
		if (j->wanted(j->user)) {
			start(j);
		} else {
			j->done(NULL, false, NULL, j->user);
			job_free(j);
		}
	}
}

static void finished(void *user)
{
	struct job *j = user;
	bool ok = j->check && !j->hopeless && j->hash && util_equal_ct(j->hash, j->setting);
	g_autoptr(GError) err = NULL;

	running--;
	start_next();
	if (j->no_memory)
		fail_memory(&err);
	if (ok)
		remember(j->password, j->hash);
	j->done(j->hash, ok, err, j->user);
	job_free(j);
}

static void start(struct job *j)
{
	running++;
	loop_job(work, finished, j);
}

static void refuse_longest(void)
{
	struct job *j = fair_shed(waiting);
	g_autoptr(GError) err = g_error_new_literal(ERR, ERR_UNAVAILABLE, "Too many passwords are being checked; try again.");

	j->done(NULL, false, err, j->user);
	job_free(j);
}

static void submit(const struct job *what, const struct password_from *from)
{
	struct job *j = g_memdup2(what, sizeof *what);

	j->password = g_strdup(what->password);
	j->setting = what->setting ? g_strdup(what->setting) : new_salt();
	if (running < PARALLEL_MAX) {
		start(j);
		return;
	}
	if (!waiting)
		waiting = fair_new();
	fair_push(waiting, from->address ? from->address : "", from->name ? from->name : "", j);
	if (fair_length(waiting) > WAITING_MAX)
		refuse_longest();
}

void password_hash(const char *password, const struct password_from *from, password_wanted_f *wanted, password_done_f *done, void *user)
{
	submit(&(struct job){ .password = (char *)password, .wanted = wanted, .done = done, .user = user }, from);
}

void password_check(const char *password, const char *hash, const struct password_from *from, password_wanted_f *wanted,
		    password_done_f *done, void *user)
{
	if (is_remembered(password, hash))
		done(hash, true, NULL, user);
	else
		submit(&(struct job){ .password = (char *)password, .setting = (char *)hash, .check = true, .hopeless = !hash,
				      .wanted = wanted, .done = done, .user = user }, from);
}

unsigned password_waiting(void)
{
	return waiting ? fair_length(waiting) : 0;
}

char *password_random(unsigned len)
{
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"; /* without look-alikes */
	char *s = g_new0(char, len + 1);

	for (unsigned i = 0; i < len;) {
		uint8_t r;

		token_random(&r, 1);
		if (r < 4 * (sizeof letters - 1)) /* each letter as likely as the others */
			s[i++] = letters[r % (sizeof letters - 1)];
	}
	return s;
}
