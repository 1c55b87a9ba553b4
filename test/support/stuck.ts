/** A list of ten thousand gone through a text of ten megabytes: minutes, and DuckDB looks for no interrupt meanwhile. */
export const stuck =
  "WITH s AS (SELECT string_agg('abcdefghij', '') AS t FROM range(1000000)), l AS (SELECT list(i) AS l FROM range(10000) r(i)) SELECT list_sum(list_transform(l, x -> instr(t, 'jjj' || x))) FROM s, l";
