// Fills a table in memory, and asks what is in it: joins, groups, sorting, patterns, changes.

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int print_row(void *data, int count, char **values, char **names) {
    for (int i = 0; i < count; i++) printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
    printf("\n");
    return 0;
}

static const char *const STATEMENTS[] = {
    "create table t(id integer primary key, name text, amount real, kind int)",
    "create index by_kind on t(kind)",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 40000)"
    " insert into t select i, 'name of ' || (i * 7919 % 10007), i * 0.25, i % 97 from n",
    "select count(*), sum(amount), min(name), max(name) from t",
    "select kind, count(*), round(avg(amount), 3) from t group by kind order by 3 desc limit 5",
    "select count(*) from t a join t b on a.kind = b.kind where a.id < 300 and b.id < 6000",
    "select count(*) from t where name like '%77%'",
    "update t set amount = amount * 1.5 where kind in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)",
    "delete from t where id % 3 = 0",
    "select count(*), round(sum(amount), 2) from t",
    "select name, count(*) c from t group by name order by c desc, name limit 3",
};

int main(void) {
    sqlite3 *database;
    if (sqlite3_open(":memory:", &database) != SQLITE_OK) return 1;
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
        char *message = NULL;
        if (sqlite3_exec(database, STATEMENTS[i], print_row, NULL, &message) != SQLITE_OK) {
            fprintf(stderr, "%s: %s\n", STATEMENTS[i], message);
            return 1;
        }
    }
    return sqlite3_close(database);
}
