* Reads a family of tables (A, B, C, D or T) of results.h5 of a run into Stata 14 or later.
* Stata cannot read HDF5; h5dump, which comes with HDF5 (hdf5-tools), writes each column as text.
*
*   do read_results.do
*   read_results using "run/results.h5", family(C) clear
*   list scenario row column value unit if table == "C7"
*
* One observation a figure; an absent figure is missing, and status says why.

capture program drop read_results
program define read_results
    version 14
    syntax using/, Family(string) [clear]
    if "`clear'" != "" clear
    if _N > 0 | c(k) > 0 error 4
    confirm file "`using'"
    local text scenario table scheme function row column group unit price_basis status
    local numbers draw replicate year value se_sampling se_mc n
    tempfile raw
    foreach column in `text' `numbers' {
        capture erase "`raw'"
        shell h5dump -y -w 1 -m "%.17g" -o "`raw'" -d "/tables/`family'/`column'" "`using'"
        capture confirm file "`raw'"
        if _rc {
            display as error "`using': h5dump found no /tables/`family'/`column', or is not installed"
            exit 601
        }
        local is_text : list column in text
        mata: read_column("`raw'", "`column'", `is_text')
    }
end

capture mata: mata drop read_column()
mata:
void read_column(string scalar file, string scalar name, real scalar is_text)
{
    string colvector lines

    lines = strtrim(cat(file))
    lines = select(lines, lines :!= "")
    /* every line but the last ends in a comma */
    lines = substr(lines, 1, strlen(lines) :- (substr(lines, -1, 1) :== ","))
    if (st_nobs() == 0) st_addobs(rows(lines))
    if (is_text) {
        lines = substr(lines, 2, strlen(lines) :- 2)
        lines = subinstr(lines, char(92) + char(34), char(34))
        lines = subinstr(lines, char(92) + char(92), char(92))
        st_sstore(., st_addvar("strL", name), lines)
    }
    else st_store(., st_addvar("double", name), strtoreal(lines))
}
end
