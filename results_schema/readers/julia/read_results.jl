# Reads results.h5 of a run into Julia, with HDF5.jl and DataFrames.jl.
#
#   include("read_results.jl")
#   results = read_results("run/results.h5")
#   filter(r -> r.table == "C7" && r.scenario == "baseline", results.tables)
#
# Returns a named tuple:
#   tables      all tables in tidy form, one row a figure; an absent figure is NaN, `status` says why
#   identities  the accounting identities checked
#   cells       arrays in the order scenario, measure, sex, age group, status (persons, persons_n) or
#               scenario, measure, region, area (places, places_n), and the labels of each dimension
#   attributes  country, currency, year, digest, ...
#   provenance  what is needed to run it again, JSON text

using HDF5, DataFrames

const OF_PERSONS = ["scenario", "measure", "sex", "age_group", "status"]
const OF_PLACES = ["scenario", "measure", "region", "area"]

function read_results(path::AbstractString)
    h5open(path, "r") do file
        attributes = Dict(name => read(HDF5.attributes(file)[name]) for name in keys(HDF5.attributes(file)))
        check_results(path, attributes)
        tables = [columns_of(file["tables/$family"]) for family in keys(file["tables"])]
        (
            tables = reduce(vcat, tables),
            identities = columns_of(file["identities"]),
            cells = cells_of(file["cells"]),
            attributes = attributes,
            provenance = read(file["provenance"]),
        )
    end
end

function check_results(path, attributes)
    get(attributes, "format_name", "") == "microsim results" || error("$path: is not a results file")
    version = attributes["format_version"]
    version[1] == 1 || error("$path: has version $(join(version, '.')); expected 1.x")
    get(attributes, "complete", 0) == 1 || error("$path: was not finished")
end

columns_of(group) = DataFrame([name => read(group[name]) for name in keys(group) if name != "line"])

# Julia lists the dimensions of an HDF5 dataset from the last to the first: they are turned around.
function cells_of(group)
    labels = Dict(dim => read(group[dim]) for dim in union(OF_PERSONS, OF_PLACES))
    arrays = Dict(
        name => permutedims(read(group[name]), length(dims):-1:1)
        for (name, dims) in (
            "persons" => OF_PERSONS, "persons_n" => OF_PERSONS,
            "places" => OF_PLACES, "places_n" => OF_PLACES,
        ) if haskey(group, name)
    )
    (arrays = arrays, labels = labels)
end
