#include "banned.h"

#include "cli/schedule.h"

#define HOUR   60 /* in minutes, as all here */
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)
#define BEGINS 5 /* minutes past the hour, at which everyone else calls AWS */

/* When a region's turns are: all combinations. */
struct times {
	int minutes[60], hours[24];
	size_t n_minutes, n_hours; /* 0 hours: each */
	int weekday;               /* 0 is Sunday; -1: every day */
};

static const char *account_of(const struct schedule *s, size_t i)
{
	return s->accounts ? s->accounts[i] : NULL;
}

static int check(const struct schedule *s, struct awsq_err *err)
{
	int64_t every = s->every / 60;

	if (s->every % 60 == 0 && every > 0 &&
		((every < HOUR && HOUR % every == 0) ||
			(every % HOUR == 0 && (DAY % every == 0 || every == WEEK))))
		return 0;
	return awsq_err_set(err, AWSQ_EINVAL,
		"cannot write a schedule: --every has to be a part of an hour, a day or a week, "
		"such as 10m, 6h or 1d; rotate-regions by itself takes any time");
}

static void add_sorted(int *list, size_t *n, int value)
{
	size_t i = (*n)++;

	for (; i > 0 && list[i - 1] > value; i--)
		list[i] = list[i - 1];
	list[i] = value;
}

static void find_times(struct times *out, const struct schedule *s, size_t i)
{
	int every = (int)(s->every / 60);
	int first = (int)((int64_t)every * (int64_t)i / (int64_t)s->n + BEGINS) % every;

	*out = (struct times){ .weekday = -1 };
	if (every <= HOUR) {
		for (int minute = first; minute < HOUR; minute += every)
			add_sorted(out->minutes, &out->n_minutes, minute);
		return;
	}
	add_sorted(out->minutes, &out->n_minutes, first % HOUR);
	for (int at = first % DAY; at < DAY; at += every)
		add_sorted(out->hours, &out->n_hours, at / HOUR);
	if (every == WEEK)
		out->weekday = first / DAY;
}

static void add_list(struct awsq_buf *out, const int *list, size_t n, int padded)
{
	char number[16];

	if (n == 0)
		awsq_buf_addc(out, '*');
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(number, sizeof(number), padded ? "%02d" : "%d", list[i]);
		awsq_buf_addf(out, "%s%s", i ? "," : "", number);
	}
}

/* ---- crontab */

static int is_plain(const char *word)
{
	return word[0] && word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					    "0123456789_./:=@+,-")] == '\0';
}

/* For sh; in a crontab a percent sign would end the line. */
static void add_shell_word(struct awsq_buf *out, const char *word, int in_crontab)
{
	int plain = is_plain(word);

	if (!plain)
		awsq_buf_addc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			awsq_buf_adds(out, "'\\''");
		else if (*word == '%' && in_crontab)
			awsq_buf_adds(out, "'\\%'");
		else
			awsq_buf_addc(out, *word);
	}
	if (!plain)
		awsq_buf_addc(out, '\'');
}

static void add_shell_option(struct awsq_buf *out, const char *option, const char *value)
{
	if (!value)
		return;
	awsq_buf_addf(out, " %s=", option);
	add_shell_word(out, value, 1);
}

/* Neither cron nor systemd hands on what a shell has exported. */
static void add_credentials(struct awsq_buf *out, const struct schedule *s)
{
	if (s->profile)
		awsq_buf_adds(out, "# Credentials: the profile that is named below, in the ~/.aws "
				   "of who runs it.\n");
	else
		awsq_buf_adds(out,
			"# Credentials: the profile 'default' in the ~/.aws of who runs it, or the "
			"machine's\n"
			"# own role; keys exported in your shell are not known there. --profile "
			"names another.\n");
}

static void add_cron_line(struct awsq_buf *out, const struct schedule *s, size_t i)
{
	struct times times;

	find_times(&times, s, i);
	add_list(out, times.minutes, times.n_minutes, 0);
	awsq_buf_addc(out, ' ');
	add_list(out, times.hours, times.n_hours, 0);
	if (times.weekday >= 0)
		awsq_buf_addf(out, " * * %d ", times.weekday);
	else
		awsq_buf_adds(out, " * * * ");
	add_shell_word(out, s->program, 1);
	add_shell_option(out, "--config", s->config);
	add_shell_option(out, "--profile", s->profile);
	add_shell_option(out, "--state-dir", s->state_dir);
	add_shell_option(out, "--account", account_of(s, i));
	awsq_buf_addf(out, " --quiet %s\n", s->regions[i]);
}

int schedule_crontab(struct awsq_buf *out, const struct schedule *s, struct awsq_err *err)
{
	int rc = check(s, err);

	if (rc != 0)
		return rc;
	awsq_buf_addf(out,
		"# %s: each region once in its time, for crontab(5).\n"
		"# What a job prints, and errors, are mailed: see crontab.example for logs.\n",
		s->self);
	add_credentials(out, s);
	for (size_t i = 0; i < s->n; i++)
		add_cron_line(out, s, i);
	return awsq_buf_error(out);
}

/* ---- systemd */

/* Part of the name of region i's units: what it may not have is a dash. */
static void add_unit_name(struct awsq_buf *out, const struct schedule *s, size_t i)
{
	awsq_buf_adds(out, "awsq-");
	for (const char *fleet = s->fleet; *fleet; fleet++) {
		char part[2] = { *fleet, '\0' };

		awsq_buf_addc(out, is_plain(part) && !strchr("/@=+,", *fleet) ? *fleet : '-');
	}
	if (account_of(s, i))
		awsq_buf_addf(out, "-%s", account_of(s, i));
}

/* Whose region i is, for a description: " of prod". */
static void add_whose(struct awsq_buf *out, const struct schedule *s, size_t i)
{
	if (account_of(s, i))
		awsq_buf_addf(out, " of %s", account_of(s, i));
}

/* A word of a command, in systemd's quotes: % begins a specifier, $ a variable. */
static void add_unit_word(struct awsq_buf *out, const char *word)
{
	int plain = is_plain(word);

	if (!plain)
		awsq_buf_addc(out, '"');
	for (; *word; word++) {
		if (strchr("\"\\", *word))
			awsq_buf_addc(out, '\\');
		if (strchr("%$", *word))
			awsq_buf_addc(out, *word);
		awsq_buf_addc(out, *word);
	}
	if (!plain)
		awsq_buf_addc(out, '"');
}

static void add_unit_option(struct awsq_buf *out, const char *option, const char *value)
{
	struct awsq_buf word = AWSQ_BUF_INIT(8192);

	if (!value)
		return;
	awsq_buf_addf(&word, "%s=%s", option, value);
	awsq_buf_addc(out, ' ');
	add_unit_word(out, awsq_buf_str(&word));
	awsq_buf_free(&word);
}

/* That of region i and all others of its account. */
static void add_service(struct awsq_buf *out, const struct schedule *s, size_t i)
{
	awsq_buf_adds(out, "cat >'");
	add_unit_name(out, s, i);
	awsq_buf_addf(out,
		"@.service' <<'END'\n"
		"[Unit]\n"
		"Description=awsq: the job of fleet %s in %%i",
		s->fleet);
	add_whose(out, s, i);
	awsq_buf_addf(out,
		"\n"
		"Documentation=man:run-region(1)\n"
		"Wants=network-online.target\n"
		"After=network-online.target\n"
		"\n"
		"[Service]\n"
		"Type=oneshot\n"
		"User=%s\n"
		"ExecStart=",
		s->user);
	add_unit_word(out, s->program);
	add_unit_option(out, "--config", s->config);
	add_unit_option(out, "--profile", s->profile);
	add_unit_option(out, "--state-dir", s->state_dir);
	add_unit_option(out, "--account", account_of(s, i));
	awsq_buf_adds(out,
		" %i\n"
		"# Another run has the region: no failure.\n"
		"SuccessExitStatus=75\n"
		"# At TERM the job is ended, and the instance seen off, which takes its time.\n"
		"KillMode=mixed\n"
		"TimeoutStopSec=15min\n"
		"UMask=0077\n"
		"# What job.before and job.after write elsewhere needs a path of its own here.\n"
		"ReadWritePaths=");
	add_unit_word(out, s->state);
	awsq_buf_adds(out, "\n"
			   "ProtectSystem=strict\n"
			   "ProtectHome=read-only\n"
			   "PrivateTmp=yes\n"
			   "PrivateDevices=yes\n"
			   "NoNewPrivileges=yes\n"
			   "CapabilityBoundingSet=\n"
			   "LockPersonality=yes\n"
			   "MemoryDenyWriteExecute=yes\n"
			   "ProtectClock=yes\n"
			   "ProtectControlGroups=yes\n"
			   "ProtectHostname=yes\n"
			   "ProtectKernelLogs=yes\n"
			   "ProtectKernelModules=yes\n"
			   "ProtectKernelTunables=yes\n"
			   "ProtectProc=invisible\n"
			   "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n"
			   "RestrictNamespaces=yes\n"
			   "RestrictRealtime=yes\n"
			   "RestrictSUIDSGID=yes\n"
			   "SystemCallArchitectures=native\n"
			   "SystemCallFilter=@system-service\n"
			   "END\n");
}

static void add_timer(struct awsq_buf *out, const struct schedule *s, size_t i)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	struct times times;

	find_times(&times, s, i);
	awsq_buf_adds(out, "cat >'");
	add_unit_name(out, s, i);
	awsq_buf_addf(out,
		"@%s.timer' <<'END'\n"
		"[Unit]\n"
		"Description=awsq: when the job of fleet %s is run in %s",
		s->regions[i], s->fleet, s->regions[i]);
	add_whose(out, s, i);
	awsq_buf_addf(out,
		"\n"
		"\n"
		"[Timer]\n"
		"OnCalendar=%s%s*-*-* ",
		times.weekday >= 0 ? days[times.weekday] : "", times.weekday >= 0 ? " " : "");
	add_list(out, times.hours, times.n_hours, 1);
	awsq_buf_addc(out, ':');
	add_list(out, times.minutes, times.n_minutes, 1);
	awsq_buf_adds(out,
		":00 UTC\n"
		"# A turn that passed while this machine was off is made up for at once.\n"
		"Persistent=yes\n"
		"AccuracySec=1s\n"
		"\n"
		"[Install]\n"
		"WantedBy=timers.target\n"
		"END\n");
}

int schedule_systemd(struct awsq_buf *out, const struct schedule *s, struct awsq_err *err)
{
	int rc = check(s, err);

	if (rc != 0)
		return rc;
	awsq_buf_addf(out,
		"# %s: each region once in its time, as units of systemd.\n"
		"# Read them; then, in a folder for units such as /etc/systemd/system, give this "
		"to "
		"sh, and\n"
		"#     systemctl daemon-reload\n",
		s->self);
	for (size_t i = 0; i < s->n; i++) {
		awsq_buf_adds(out, "#     systemctl enable --now ");
		add_unit_name(out, s, i);
		awsq_buf_addf(out, "@%s.timer\n", s->regions[i]);
	}
	add_credentials(out, s);
	awsq_buf_adds(out, "set -e\n");
	for (size_t i = 0; i < s->n; i++) {
		if (i == 0 || account_of(s, i) != account_of(s, i - 1))
			add_service(out, s, i);
		add_timer(out, s, i);
	}
	return awsq_buf_error(out);
}
