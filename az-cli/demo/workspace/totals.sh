#!/bin/sh
# Writes report.csv: what each region sold in all.
LC_ALL=C
export LC_ALL
{
    echo "region,total"
    awk -F, 'NR > 1 { total[$2] += $5 }
        END { for (region in total) printf "%s,%.2f\n", region, total[region] }' orders.csv | sort
} > report.csv
