/* SPDX-License-Identifier: Apache-2.0 */
#include "api/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <string.h>

#include "api/token.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/util.h"

#define PARALLEL_MAX 2
#define WAITING_MAX 64
#define PREFIX "$y$"   /* yescrypt, at libxcrypt's default cost */

struct job {
	char *password, *setting; /* setting: the hash to compare with, or a new salt */
	bool check, hopeless;
	char *hash;
	password_done_f *done;
	void *user;
};

/* On the loop thread alone. */
static unsigned running;
static GQueue waiting = G_QUEUE_INIT;

static char *new_salt(void)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], seed[16];

	token_random(seed, sizeof seed);
	g_assert(crypt_gensalt_rn(PREFIX, 0, seed, sizeof seed, salt, sizeof salt));
	return g_strdup(salt);
}

/* Return: the hash, or NULL where libxcrypt does not understand the setting. */
static char *hash_by(const char *password, const char *setting)
{
	g_autofree struct crypt_data *data = g_new0(struct crypt_data, 1);
	const char *hash = crypt_r(password, setting, data);
	char *copy = hash && hash[0] != '*' ? g_strdup(hash) : NULL;

	OPENSSL_cleanse(data, sizeof *data);
	return copy;
}

char *password_hash_now(const char *password)
{
	g_autofree char *salt = new_salt();
	char *hash = hash_by(password, salt);

	g_assert(hash);
	return hash;
}

/* On a worker. */
static void work(void *user)
{
	struct job *j = user;

	j->hash = hash_by(j->password, j->setting);
}

static void start(struct job *j);

static void finished(void *user)
{
	struct job *j = user;
	bool ok = j->check && !j->hopeless && j->hash && util_equal_ct(j->hash, j->setting);
	struct job *next = g_queue_pop_head(&waiting);

	running--;
	if (next)
		start(next);
	j->done(j->hash, ok, j->user);
	OPENSSL_cleanse(j->password, strlen(j->password));
	g_free(j->password);
	g_free(j->setting);
	g_free(j->hash);
	g_free(j);
}

static void start(struct job *j)
{
	running++;
	loop_job(work, finished, j);
}

static bool submit(const struct job *what, GError **err)
{
	struct job *j;

	if (running >= PARALLEL_MAX && waiting.length >= WAITING_MAX) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "Too many passwords are being checked; try again.");
		return false;
	}
	j = g_memdup2(what, sizeof *what);
	j->password = g_strdup(what->password);
	j->setting = what->setting ? g_strdup(what->setting) : new_salt();
	if (running < PARALLEL_MAX)
		start(j);
	else
		g_queue_push_tail(&waiting, j);
	return true;
}

bool password_hash(const char *password, password_done_f *done, void *user, GError **err)
{
	return submit(&(struct job){ .password = (char *)password, .done = done, .user = user }, err);
}

bool password_check(const char *password, const char *hash, password_done_f *done, void *user, GError **err)
{
	return submit(&(struct job){ .password = (char *)password, .setting = (char *)hash, .check = true, .hopeless = !hash,
				     .done = done, .user = user }, err);
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
